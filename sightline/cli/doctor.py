"""sightline doctor: what is wrong with a running release, and what to do."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sightline.doctor.findings import Finding

EXTRA = "doctor"
EXIT_UNSEEN = 3

_EXAMPLES = """examples:
  sightline doctor                                     the one release in kubectl's current namespace
  sightline doctor --namespace vision --release bond
  sightline doctor --seconds 30                        look longer at what grows: lag, dead letters, fallback
  sightline doctor --json | jq '.findings[]'

exit code:
  0  nothing is wrong            1  warnings: it works, something needs a look
  2  something is broken         3  the cluster could not be looked at

rights: list pods, deployments, statefulsets; besides, for all checks: list jobs, configmaps and events, get secrets,
create pods/portforward (metrics) and pods/exec (topics). What is missing is said, the other checks run.
"""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="sightline doctor",
        description="Look at a running release: pods, topics, lag, dead letters, model versions, certificates, clocks.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-n", "--namespace", help="of the release (default: kubectl's current one)")
    parser.add_argument("-r", "--release", help="name given to helm install (default: the only one there)")
    parser.add_argument("--context", help="of the kubeconfig (default: the current one)")
    parser.add_argument("--seconds", type=float, default=3, help="between two looks at the metrics (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return _run(parser.parse_args(argv))


def _run(arguments: argparse.Namespace) -> int:
    from sightline.doctor.examine import examine
    from sightline.doctor.findings import worst
    from sightline.io.cluster.connect import ClusterError, connect
    from sightline.io.cluster.release import read, the_release

    try:
        cluster = connect(arguments.context, arguments.namespace)
        release = read(cluster, the_release(cluster, arguments.release), arguments.seconds)
    except ClusterError as error:
        print(f"sightline doctor: {error}", file=sys.stderr)
        return EXIT_UNSEEN
    findings = examine(release)
    severity = worst(findings)
    if arguments.json:
        said = [each.as_json() for each in findings]
        whole = {"namespace": release.namespace, "release": release.name, "worst": severity.word, "findings": said}
        print(json.dumps(whole, indent=2))
    else:
        _print(f"{release.name} in namespace {release.namespace}", findings)
    return int(severity)


def _print(title: str, findings: "list[Finding]") -> None:
    """One line a finding; colours and folding on a terminal only."""
    from rich.console import Console
    from rich.text import Text

    from sightline.doctor.findings import Severity, worst

    styles = {Severity.BROKEN: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
    console = Console(highlight=False, soft_wrap=True)
    bad = sum(each.severity > Severity.NOTE for each in findings)
    heading = (
        f"{title}: {bad} {'thing needs' if bad == 1 else 'things need'} a look" if bad else f"{title}: all is well"
    )
    console.print(Text(heading, style=styles[worst(findings)] if bad else "green"))
    for each in findings:
        line = Text(f"{each.severity.name:8}", style=styles[each.severity])
        line.append(f"{each.check}: {each.subject}: {each.what}", style="")
        if each.todo:
            line.append(f" -> {each.todo}", style="cyan")
        console.print(line)
