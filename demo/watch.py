"""An independent subscriber of alerting's gRPC stream: its receipt of an alert is the end of event→alert."""

import queue
import threading
import time
from typing import Any, NamedTuple

import grpc

from demo.truth import Sighting
from sightline.proto import alerts_pb2, alerts_pb2_grpc

_REPLAY = 1_000
_QUEUE_MAX = 100_000


class Seen(NamedTuple):
    """One alert as it came. Times in microseconds; `stage_us` ends with `deliver`, from the decision to us."""

    id: str
    event_id: str
    event_source: str
    camera: str
    sighting: Sighting
    event_us: int
    received_us: int
    stage_us: dict[str, int]

    @property
    def ms(self) -> float:
        return (self.received_us - self.event_us) / 1e3


def seen(alert: alerts_pb2.Alert, received_us: int) -> Seen:
    columns: dict[str, Any] = dict(alert.match.items())
    event_us = alert.event_time.ToMicroseconds()
    return Seen(
        alert.id,
        alert.event_id,
        alert.event_source,
        str(columns.get("camera")),
        Sighting(str(columns.get("place")), str(columns.get("label")), float(columns.get("score") or 0)),
        event_us,
        received_us,
        {**alert.stage_us, "deliver": received_us - alert.alert_time.ToMicroseconds()},
    )


class Watch(threading.Thread):
    """Puts each alert into `alerts` once, whatever happens to the connection."""

    def __init__(self, address: str) -> None:
        super().__init__(name="watch", daemon=True)
        self.alerts: queue.Queue[Seen] = queue.Queue(_QUEUE_MAX)
        self._address = address
        self._known: set[str] = set()
        self._stopping = threading.Event()

    def run(self) -> None:
        with grpc.insecure_channel(self._address) as channel:
            stub = alerts_pb2_grpc.AlertsStub(channel)
            replay = 0
            while not self._stopping.is_set():
                try:
                    self._follow(stub, replay)
                except grpc.RpcError:
                    replay = _REPLAY  # what came while we were away
                    self._stopping.wait(0.2)

    def _follow(self, stub: alerts_pb2_grpc.AlertsStub, replay: int) -> None:
        for alert in stub.Subscribe(alerts_pb2.SubscribeRequest(replay=replay), wait_for_ready=True):
            received_us = time.time_ns() // 1000
            if alert.id not in self._known:
                self._known.add(alert.id)
                self.alerts.put(seen(alert, received_us))

    def stop(self) -> None:
        """The thread is a daemon: it ends with its stream or with us, whichever is first."""
        self._stopping.set()
