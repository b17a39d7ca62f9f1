"""A stream of photographs through a release, sent and watched from a pod beside it, and what became of it."""

import itertools
import json
import re
from contextlib import suppress
from typing import Any, NamedTuple

from demo.compare import AlertRecord, Verdict, compare
from demo.truth import Sighting
from tests.e2e.cluster.photographs import Photographs
from tests.e2e.cluster.player_pod import FOLDER, Player
from tests.e2e.kube import eventually

RATE = 10.0
SETTLE_S = 240
_SLOWEST = 3
_runs = itertools.count()


class Seen(NamedTuple):
    """An alert as the subscriber got it: how long after the event was due, and where that time went."""

    event_id: str
    ms: float
    stage_ms: dict[str, int]


class Outcome(NamedTuple):
    """What a stream came to; `seen` from the quickest to the slowest."""

    verdict: Verdict
    sent: int
    records: list[dict[str, Any]]
    seen: list[Seen]

    @property
    def right(self) -> bool:
        return self.verdict.right and self.verdict.expected > 0

    def ms(self, share: float) -> float:
        return self.seen[min(len(self.seen) - 1, int(share * len(self.seen)))].ms if self.seen else float("nan")

    def figures(self) -> dict[str, Any]:
        """As JSON, with what is to be known of the slowest."""
        slowest = [each._asdict() for each in self.seen[-_SLOWEST:]]
        times = {"p50_ms": round(self.ms(0.5), 1), "p99_ms": round(self.ms(0.99), 1)}
        return {"events": self.sent, **self.verdict._asdict(), **times, "slowest": slowest}

    def __str__(self) -> str:
        missed, doubled, wrong = self.verdict.missed, self.verdict.doubled, self.verdict.false_alerts
        return (
            f"{self.sent} events, {self.verdict.alerts} of {self.verdict.expected} alerts, "
            f"{missed} missed, {doubled} doubled, {wrong} false; "
            f"event→alert p50 {self.ms(0.5):.1f} p99 {self.ms(0.99):.1f} ms; slowest {self.seen[-_SLOWEST:]}"
        )


class Stream:
    """Begins at once and goes on, whatever happens, until `finish`."""

    def __init__(self, player: Player, photographs: Photographs, name: str, rate: float = RATE) -> None:
        self._player, self._photographs = player, photographs
        self._name = f"{re.sub(r'[^a-z0-9]+', '-', name)}-{next(_runs)}"
        self._source = f"/e2e/{self._name}"
        player.start(
            self._name,
            "send", f"--plan={FOLDER}/plan", f"--photos={FOLDER}/photos", f"--rate={rate}",
            f"--source={self._source}", f"--sent={FOLDER}/{self._name}.sent", f"--stop={FOLDER}/{self._name}.stop",
        )  # fmt: skip
        self.wait_sent(1)

    def sent(self) -> list[int]:
        return [int(line) for line in self._player.lines(f"{self._name}.sent")]

    def wait_sent(self, more: int) -> None:
        """So many further events."""
        wanted = len(self.sent()) + more

        def enough() -> bool:
            code = self._player.exit_code(self._name)
            assert code is None, f"the sender ended with {code}: {self._player.log(self._name)}"
            return len(self.sent()) >= wanted

        eventually(enough, what=f"{more} more events sent")

    def finish(self) -> Outcome:
        """No more events; once every alert that is expected is there, what came of it all."""
        self._player.shell(f"touch {FOLDER}/{self._name}.stop")
        code = eventually(lambda: [code] if (code := self._player.exit_code(self._name)) is not None else [], SETTLE_S)
        assert code == [0], self._player.log(self._name)
        sent = self.sent()
        expected = self._photographs.expected(sent)

        def all_there() -> bool:
            return expected.keys() <= {each["headers"]["ce_eventid"] for each in self._player.records(self._source)}

        with suppress(AssertionError):  # the verdict says how many are missing
            eventually(all_there, SETTLE_S, "every alert")
        records = self._player.records(self._source)
        return Outcome(compare(expected, map(_record, records)), len(sent), records, self._seen())

    def _seen(self) -> list[Seen]:
        alerts = [each for each in map(json.loads, self._player.lines("seen")) if each["source"] == self._source]
        return sorted(
            (
                Seen(
                    each["event_id"],
                    (each["received_us"] - each["event_us"]) / 1e3,
                    {stage: round(us / 1e3) for stage, us in each["stage_us"].items()},
                )
                for each in alerts
            ),
            key=lambda seen: seen.ms,
        )


def _record(record: dict[str, Any]) -> AlertRecord:
    """A line that `player.py records` printed, as demo.compare wants it."""
    headers, columns = record["headers"], record["alert"]["match"]
    sighting = Sighting(columns["place"], columns["label"], columns["score"])
    return AlertRecord(headers["ce_id"], headers["ce_rule"], headers["ce_eventid"], headers["ce_eventsource"], sighting)
