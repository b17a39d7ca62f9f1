"""What a deployment is sized by: CPU per event of every part, network by batch, memory, bytes through the broker.

The whole product works off a backlog of photographs, all of them from watched places, so that each is scored. CPU time
hardly depends on what else the machine does; rates do. Writes benchmarks/results/sizing.json.
"""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import versions
from benchmarks.report import RESULTS, make_parser
from benchmarks.sizing import network, whole
from benchmarks.sizing.photographs import SIZES, take
from demo.summary import cpu

SCRATCH = Path("build/bench-sizing")

EXAMPLES = """\
examples:
  python -m benchmarks.sizing                  everything, about 4 minutes
  python -m benchmarks.sizing --events 400     a quick look
"""


def main() -> None:
    parser = make_parser("benchmarks.sizing", __doc__, EXAMPLES)
    parser.add_argument("--events", type=int, default=2_000, help="photographs of each size (2000)")
    parser.add_argument("--model-root", type=Path, default=Path("build/models"))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of sizing.json")
    options = parser.parse_args()
    measured = {}
    for name, size in SIZES.items():
        photos = take(size, whole.DISTINCT)
        shutil.rmtree(SCRATCH, ignore_errors=True)
        measured[name] = whole.measure(SCRATCH, options.model_root, photos, options.events)
        print(f"{name}: {json.dumps(measured[name])}", flush=True)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "events": options.events,
        "whole": measured,
        "network": network.measure(options.model_root / "efficientnet-lite0"),
        "cpu": cpu(),
        "versions": versions(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "sizing.json").write_text(json.dumps(result, indent=2) + "\n")
    print(options.out / "sizing.json")


if __name__ == "__main__":
    main()
