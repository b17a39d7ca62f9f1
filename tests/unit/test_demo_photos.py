"""The demo's photographs: seeded, never twice the same, and mixed as the docstring says."""

import io
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from demo import spool
from demo.photos import HEIGHT, SUBJECTS, WIDTH, Photographer
from demo.spool import Spool, fill


@pytest.fixture(scope="module")
def photographer() -> Photographer:
    return Photographer(seed=3)


def test_no_two_are_equal(photographer):
    assert len({photographer.take(index).jpeg for index in range(40)}) == 40


def test_two_of_one_subject_differ(photographer):
    shown = [photographer.take(index) for index in range(40)]
    rockets = [photo.jpeg for photo in shown if SUBJECTS[photo.subject].name == "rocket"]
    assert len(rockets) > 1
    assert len(set(rockets)) == len(rockets)


def test_a_seed_and_an_index_give_one_photograph(photographer):
    again = Photographer(seed=3)
    assert [again.take(index) for index in (5, 2)] == [photographer.take(index) for index in (5, 2)]
    assert Photographer(seed=4).take(5).jpeg != photographer.take(5).jpeg


@pytest.mark.parametrize("subject", range(len(SUBJECTS)), ids=[subject.name for subject in SUBJECTS])
def test_every_subject_is_a_camera_frame(photographer, subject):
    import numpy as np

    with Image.open(io.BytesIO(photographer.take_of(subject, np.random.default_rng(1)))) as picture:
        assert (picture.format, picture.size) == ("JPEG", (WIDTH, HEIGHT))


def test_under_half_of_the_photographs_show_bond():
    assert sum(subject.share for subject in SUBJECTS) == pytest.approx(1)
    assert 0.4 < sum(subject.share for subject in SUBJECTS if subject.bond) < 0.5


def test_a_spool_gives_what_was_taken(tmp_path: Path, photographer):
    with closing(Spool(tmp_path)) as photographs:
        fill(photographs, seed=3, wanted=5)
        assert len(photographs) == 5
        assert [photographs[index] for index in range(5)] == [photographer.take(index) for index in range(5)]
        with pytest.raises(IndexError, match="photograph 5 is not taken yet"):
            photographs[5]


def test_a_spool_goes_on_after_a_killed_writer(tmp_path: Path, photographer):
    with closing(Spool(tmp_path)) as photographs:
        fill(photographs, seed=3, wanted=2)
    with (tmp_path / "photos").open("ab") as jpegs, (tmp_path / "index").open("ab") as index:
        jpegs.write(b"half a JPEG")
        index.write(b"half")
    with closing(Spool(tmp_path)) as photographs:
        fill(photographs, seed=3, wanted=4)
        assert [photographs[index] for index in range(4)] == [photographer.take(index) for index in range(4)]


def test_another_recipe_or_seed_has_another_spool(tmp_path: Path, monkeypatch):
    first = spool.folder_of(tmp_path, 7)
    assert spool.folder_of(tmp_path, 8) != first
    recipe = tmp_path / "photos.py"
    recipe.write_text("# another recipe")
    monkeypatch.setattr("demo.photos.__file__", str(recipe))
    assert spool.folder_of(tmp_path, 7) != first
