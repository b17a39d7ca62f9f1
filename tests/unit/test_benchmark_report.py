"""Results of benchmarks: there after each step, and made in parts."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import Report, parse


def nothing(result: dict[str, Any], path: Path) -> None:
    path.write_text("")


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "b.json").read_text())
    return found


def test_a_run_that_is_cut_off_leaves_what_it_has(tmp_path: Path) -> None:
    report = Report("b", tmp_path, nothing, ["one"])
    report.write({"one": {"ours": 1}})
    assert read(tmp_path)["one"] == {"ours": 1}
    assert read(tmp_path)["conditions"]["one"]["whole"] is False
    report.done({"one": {"ours": 1, "theirs": 2}})
    assert read(tmp_path)["one"] == {"ours": 1, "theirs": 2}
    assert read(tmp_path)["conditions"]["one"]["whole"] is True


@pytest.mark.parametrize("keep", [True, False])
def test_what_is_not_measured_now_is_kept_where_that_is_asked_for(tmp_path: Path, keep: bool) -> None:
    Report("b", tmp_path, nothing, ["one"]).done({"one": {"ours": 1}})
    second = Report("b", tmp_path, nothing, ["two"])
    if keep:
        second.keep()
    second.write({"two": {"ours": 2}})
    found = read(tmp_path)
    assert found["two"] == {"ours": 2}
    assert found.get("one") == ({"ours": 1} if keep else None)
    assert set(found["conditions"]) == ({"one", "two"} if keep else {"two"})


@pytest.mark.parametrize(
    ("flags", "rounds", "seconds"), [([], 3, 30.0), (["--quick"], 2, 8.0), (["--quick", "--rounds", "5"], 5, 8.0)]
)
def test_flags_win_over_quick(monkeypatch: pytest.MonkeyPatch, flags: list[str], rounds: int, seconds: float) -> None:
    monkeypatch.setattr("sys.argv", ["b", *flags])
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parse(parser, {"rounds": 2, "seconds": 8.0}, minutes=1)
    assert (options.rounds, options.seconds) == (rounds, seconds)
