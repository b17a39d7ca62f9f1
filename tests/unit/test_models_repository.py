"""Names to version directories."""

from pathlib import Path

import pytest

from sightline.errors import ConfigError
from sightline.models import repository
from sightline.models.repository import Reference


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for name in ("bond/1", "bond/2", "bond/10", "bond/01", "bond/.export-x", "bond/draft", "villain/3", "notes"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bond" / "4").write_text("a file")
    (tmp_path / "bond" / "version-labels.json").write_text('{"stable": 2, "lost": 7}')
    return tmp_path


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("bond", Reference("bond")),
        ("a-b.c@3", Reference("a-b.c", 3)),
        ("bond:stable", Reference("bond", None, "stable")),
    ],
)
def test_parse(text: str, reference: Reference) -> None:
    assert repository.parse(text) == reference


@pytest.mark.parametrize(
    "text", ["", "../bond", "bond@", "bond@x", "bond@1:stable", "bond/1", ".hidden", "bond@-1", "bönd"]
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ConfigError, match="name, name@3 or name:label"):
        repository.parse(text)


def test_lists_by_number(models: Path) -> None:
    assert repository.models(models) == {"bond": [1, 2, 10], "villain": [3]}


@pytest.mark.parametrize(("text", "version"), [("bond", 10), ("bond@1", 1), ("bond:stable", 2), ("villain", 3)])
def test_resolve(text: str, version: int, models: Path) -> None:
    found = repository.resolve(models, text)
    assert found.version == version and found.directory == models / found.name / str(version)
    assert found.directory.is_dir()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bont", "did you mean 'bond'"),
        ("zzz", "there is 'bond', 'villain'"),
        ("bond@3", "no version 3 of model 'bond'.*there is 1, 2, 10"),
        ("bond:stabel", "did you mean 'stable'"),
        ("bond:lost", "no version 7"),
        ("villain:stable", "there is none at all"),
    ],
)
def test_resolve_says_what_there_is(text: str, message: str, models: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        repository.resolve(models, text)


def test_an_empty_or_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no model") as error:
        repository.models(tmp_path)
    assert error.value.file == tmp_path
    with pytest.raises(ConfigError, match="No such file"):
        repository.models(tmp_path / "missing")


def test_version_labels_that_are_no_object(models: Path) -> None:
    (models / "bond" / "version-labels.json").write_text("[1]")
    with pytest.raises(ConfigError, match="object of label to version"):
        repository.resolve(models, "bond:stable")
