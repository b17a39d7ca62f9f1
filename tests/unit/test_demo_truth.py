"""The demo's truths on events made by hand, and the comparison on lists of records made by hand."""

import re
from pathlib import Path

import pytest

from demo import truth
from demo.compare import AlertRecord, Verdict, compare
from demo.photos import SUBJECTS
from demo.places import CAMERAS, PLACES
from demo.replay import Sent, read_sent
from demo.truth import BOND, Quality, Sighting

WATCHED, IGNORED, UNKNOWN = "piz-gloria", "fort-knox", "atlantis"
NAME = "Piz Gloria, Schilthorn"


def sent(event_id: str, location: str, photo: int = 0) -> Sent:
    return Sent(event_id, 0, "camera-01", location, photo)


@pytest.mark.parametrize(
    ("location", "label", "score", "alerts"),
    [
        (WATCHED, "missile", 0.99, True),
        (WATCHED, "missile", BOND["missile"], True),
        (WATCHED, "missile", BOND["missile"] - 1e-6, False),
        (WATCHED, "espresso", 0.99, False),
        (IGNORED, "missile", 0.99, False),
        (UNKNOWN, "missile", 0.99, False),
    ],
)
def test_expected(location, label, score, alerts):
    wanted = {"a": Sighting(NAME, label, score)} if alerts else {}
    assert truth.expected([sent("a", location)], lambda photo: (label, score)) == wanted


def test_only_events_of_watched_places_are_scored():
    scored = []

    def score(photo: int) -> tuple[str, float]:
        scored.append(photo)
        return "espresso", 1.0

    truth.expected([sent("a", UNKNOWN, 1), sent("b", WATCHED, 2), sent("c", IGNORED, 3)], score)
    assert scored == [2]


def test_the_pipeline_asks_for_the_same_labels_and_scores(root: Path):
    """demo.truth repeats the pipeline's predicate on purpose; here the two texts are held together."""
    query = (root / "pipelines/find-bond.yaml").read_text()
    asked: dict[str, float] = {}
    for labels, score in re.findall(r"p\.label (?:=|IN) ('[^']+'|\([^)]+\)) AND p\.score >= ([0-9.]+)", query):
        asked |= dict.fromkeys(re.findall(r"'([^']+)'", labels), float(score))
    assert asked == BOND


def test_quality():
    bond, other = (next(n for n, subject in enumerate(SUBJECTS) if subject.bond is wanted) for wanted in (True, False))
    events = [sent("a", WATCHED, 0), sent("b", WATCHED, 1), sent("c", WATCHED, 2), sent("d", IGNORED, 3)]
    subject = [bond, bond, other, bond].__getitem__
    assert truth.quality(events, subject, {"a", "c"}) == Quality(recall=0.5, precision=0.5)
    assert truth.quality(events, subject, {"a", "b"}) == Quality(recall=1, precision=1)
    assert truth.quality([], subject, set()) == Quality(1, 1)


SIGHTING = Sighting(NAME, "missile", 0.5)


def record(alert: str, event: str, sighting: Sighting = SIGHTING, rule: str = "bond-spotted") -> AlertRecord:
    return AlertRecord(alert, rule, event, "/demo/cameras", sighting)


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        pytest.param([record("1", "a"), record("2", "b")], Verdict(2, 2, 0, 0, 0), id="right"),
        pytest.param([record("1", "a")], Verdict(1, 2, 1, 0, 0), id="missed"),
        pytest.param([], Verdict(0, 2, 2, 0, 0), id="all missed"),
        pytest.param([record("1", "a"), record("2", "b"), record("2", "b")], Verdict(2, 2, 0, 0, 1), id="one id twice"),
        pytest.param(
            [record("1", "a"), record("2", "b"), record("3", "b")], Verdict(2, 2, 0, 0, 1), id="one event, two ids"
        ),
        pytest.param(
            [record("1", "a"), record("2", "b"), record("3", "c")], Verdict(3, 2, 0, 1, 0), id="unexpected event"
        ),
        pytest.param(
            [record("1", "a"), record("2", "b", SIGHTING._replace(label="moped"))], Verdict(2, 2, 0, 1, 0), id="label"
        ),
        pytest.param(
            [record("1", "a"), record("2", "b", SIGHTING._replace(score=0.51))], Verdict(2, 2, 0, 1, 0), id="score"
        ),
        pytest.param(
            [record("1", "a"), record("2", "b", SIGHTING._replace(place="Matera"))], Verdict(2, 2, 0, 1, 0), id="place"
        ),
    ],
)
def test_compare(records, verdict):
    found = compare({"a": SIGHTING, "b": SIGHTING}, records)
    assert found == verdict
    assert found.right == (verdict[2:] == (0, 0, 0))


def test_cameras_stand_at_watched_ignored_and_unknown_places():
    watched = {place.location_id: place.watched for place in PLACES}
    stands = [watched.get(camera.location_id) for camera in CAMERAS]
    assert (stands.count(True), stands.count(False), stands.count(None)) == (28, 8, 4)
    assert len({camera.name for camera in CAMERAS}) == len(CAMERAS) == 40


def test_a_half_written_line_is_not_an_event(tmp_path: Path):
    log = tmp_path / "sent.jsonl"
    log.write_text('{"id":"a","time_us":5,"camera":"c","location_id":"l","photo":1}\n{"id":"b","ti')
    assert [event.id for event in read_sent(log)] == ["a"]
    assert read_sent(tmp_path / "missing") == []
