"""What the tests on a cluster share. See clusters.py for where the cluster comes from.

LONG=1 runs the tests marked `long` too. SIGHTLINE_E2E_BUDGET_S: a test that would begin later than that is skipped, so
that a slow machine takes no longer than it may.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import clusters, evidence, figures
from tests.e2e.kube import Kube

_BEGIN = time.monotonic()
_FAILED = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: minutes; run by `make e2e LONG=1`")
    config.addinivalue_line("markers", "last: takes away what the others use")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
    for item in items:
        if item.get_closest_marker("long") and os.environ.get("LONG", "0") in ("", "0"):
            item.add_marker(pytest.mark.skip(reason="takes long: make e2e LONG=1"))
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))


def pytest_runtest_setup(item: pytest.Item) -> None:
    budget_s = float(os.environ.get("SIGHTLINE_E2E_BUDGET_S") or "inf")
    if time.monotonic() - _BEGIN > budget_s:
        pytest.skip(f"the {budget_s:.0f} s of SIGHTLINE_E2E_BUDGET_S are used up")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:  # type: ignore[attr-defined]
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(kube := getattr(value, "kube", value), Kube):
                folder = evidence.collect(kube, item.name)
                report.sections.append(("cluster", f"pods, events and logs are in {folder}"))  # type: ignore[attr-defined]
                break
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if figures.lines:
        terminalreporter.section("figures")
        for line in figures.lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def kubeconfig() -> Iterator[Path]:
    """A cluster that runs pods."""
    with clusters.running() as path:
        yield path


@pytest.fixture(scope="session")
def fake_kubeconfig() -> Iterator[Path]:
    """A real control plane whose nodes and pods kwok plays."""
    with clusters.running("FAKE_") as path:
        yield path
