"""The table `locations` and the cameras that stand there: film locations of James Bond, with their coordinates.

28 cameras at watched places, 8 at places nobody watches, 4 at places that no table knows (the join drops them)
"""

from typing import NamedTuple

import msgspec

from sightline.io.clients import Producer
from sightline.io.kafka import producer_config

TOPIC = "locations"


class Place(NamedTuple):
    location_id: str
    name: str
    lat: float
    lon: float
    watched: bool = True


PLACES = (
    Place("piz-gloria", "Piz Gloria, Schilthorn", 46.5572, 7.8353),
    Place("verzasca-dam", "Verzasca dam, Ticino", 46.1972, 8.8478),
    Place("furka-pass", "Furka Pass", 46.5726, 8.4150),
    Place("khao-phing-kan", "Khao Phing Kan, Phang Nga Bay", 8.2745, 98.5012),
    Place("monte-carlo", "Casino de Monte-Carlo", 43.7392, 7.4281),
    Place("vauxhall-cross", "Vauxhall Cross, London", 51.4873, -0.1244),
    Place("eilean-donan", "Eilean Donan Castle", 57.2740, -5.5161),
    Place("holy-trinity", "Holy Trinity Monastery, Meteora", 39.7128, 21.6344),
    Place("sugarloaf", "Sugarloaf Mountain, Rio de Janeiro", -22.9493, -43.1546),
    Place("lake-palace", "Lake Palace, Udaipur", 24.5750, 73.6800),
    Place("karnak", "Temple of Karnak, Luxor", 25.7188, 32.6573),
    Place("chantilly", "Château de Chantilly", 49.1939, 2.4853),
    Place("arecibo", "Arecibo Observatory", 18.3442, -66.7528),
    Place("himeji", "Himeji Castle", 34.8394, 134.6939),
    Place("matera", "Sassi di Matera", 40.6664, 16.6043),
    Place("basilica-cistern", "Basilica Cistern, Istanbul", 41.0084, 28.9779),
    Place("fort-knox", "Fort Knox", 37.8831, -85.9653, watched=False),
    Place("golden-gate", "Golden Gate Bridge", 37.8199, -122.4783, watched=False),
    Place("eiffel-tower", "Eiffel Tower", 48.8584, 2.2945, watched=False),
    Place("atlantic-road", "Atlantic Ocean Road", 63.0169, 7.3547, watched=False),
)

_UNKNOWN = ("atlantis", "spectre-island", "volcano-lair", "ice-palace")


class Camera(NamedTuple):
    name: str
    location_id: str


def _cameras() -> tuple[Camera, ...]:
    watched = [place.location_id for place in PLACES if place.watched]
    ignored = [place.location_id for place in PLACES if not place.watched]
    stands = [watched[n % len(watched)] for n in range(28)] + [ignored[n % len(ignored)] for n in range(8)]
    return tuple(Camera(f"camera-{n:02}", where) for n, where in enumerate([*stands, *_UNKNOWN], 1))


CAMERAS = _cameras()


def load(bootstrap_servers: str) -> int:
    """Write every place to the compacted topic, acknowledged. Returns the number of rows."""
    producer = Producer(producer_config(bootstrap_servers))
    for place in PLACES:
        producer.produce(TOPIC, key=place.location_id, value=msgspec.json.encode(place._asdict()))
    if left := producer.flush(30):
        raise TimeoutError(f"{left} rows of {TOPIC!r} were not acknowledged within 30 s")
    return len(PLACES)
