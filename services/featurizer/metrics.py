"""Every metric of the featurizer. Names and labels are a contract with dashboards, rules and scalers."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge, Histogram

from services.common.metrics import LATENCY_BUCKETS_S

BATCH_BUCKETS_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """The series of one loaded model, its labels bound."""

    inference_seconds: Histogram
    batch_rows: Histogram
    queue_rows: Gauge
    queue_seconds: Histogram
    decode_seconds: Histogram


class Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._inference_seconds = Histogram(
            "sightline_inference_seconds",
            "Time the network took for one batch",
            ["model", "version", "engine"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._batch_rows = Histogram(
            "sightline_batch_rows", "Images in one batch", ["model"], buckets=BATCH_BUCKETS_ROWS, registry=registry
        )
        self._queue_rows = Gauge("sightline_queue_rows", "Images that wait for the model", ["model"], registry=registry)
        self._queue_seconds = Histogram(
            "sightline_queue_seconds",
            "Time from a request's arrival to the start of its first batch",
            ["model"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._decode_seconds = Histogram(
            "sightline_decode_seconds",
            "Time to decode the images of one batch",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )

    def of_model(self, name: str, version: str, engine: str) -> ModelMetrics:
        return ModelMetrics(
            inference_seconds=self._inference_seconds.labels(name, version, engine),
            batch_rows=self._batch_rows.labels(name),
            queue_rows=self._queue_rows.labels(name),
            queue_seconds=self._queue_seconds.labels(name),
            decode_seconds=self._decode_seconds,
        )
