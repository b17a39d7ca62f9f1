"""Settings of alerting."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import GrpcSettings, KafkaSettings, existing

PROGRAM = "python -m services.alerting"

EXAMPLES = f"""\
  {PROGRAM} --rules rules/ --pipelines pipelines/ --bootstrap-servers localhost:9092
  {PROGRAM} --rules rules/find-bond.yaml --pipelines pipelines/find-bond.yaml --grpc-port 8600 --http-port 8080
  SIGHTLINE_ALERTING_BOOTSTRAP_SERVERS=kafka:9092 {PROGRAM} --rules rules/ --pipelines pipelines/ --no-pictures
"""


class Settings(KafkaSettings, GrpcSettings):
    """Turn matches into alerts: on the alerts topic, on a gRPC stream, and on a page at the HTTP port."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_ALERTING_")

    rules: Annotated[Path, AfterValidator(lambda path: existing(path, "rules file or directory"))]
    """Rules file, or a directory of them."""

    pipelines: Annotated[Path, AfterValidator(lambda path: existing(path, "pipeline file or directory"))]
    """Pipeline file, or a directory of them: the rules are checked against them."""

    group: str = "sightline-alerting"
    """Consumer group."""

    alerts_topic: str = "alerts"
    """Topic of the alerts; has as many partitions as the matches."""

    dead_letter_topic: str = "dead-letters"
    """Topic for matches that can't be used."""

    grpc_host: str = "0.0.0.0"
    """Address of the gRPC service."""

    grpc_port: int = Field(default=0, ge=0, le=65_535)
    """Port of the gRPC service; 0 takes a free one and logs it."""

    grpc_socket: Path | None = None
    """Unix socket on which the gRPC service listens too."""

    dedupe_horizon_s: int = Field(default=86_400, ge=1)
    """Seconds of event time that alerts are remembered; an older match does not alert."""

    dedupe_ids_max: int = Field(default=500_000, ge=1)
    """Alerts remembered per partition at most (about 200 bytes each); past it the horizon shrinks."""

    poll_records_max: int = Field(default=500, ge=1)
    """Matches taken from the Kafka client at once at most."""

    open_matches_max: int = Field(default=10_000, ge=1)
    """Matches between poll and acknowledgement at most; past it no more are polled."""

    commit_interval_ms: int = Field(default=100, ge=1)
    """Milliseconds between commits of finished offsets."""

    feed_alerts_max: int = Field(default=1_000, ge=1)
    """Newest alerts kept for the page, List and replay."""

    subscribers_max: int = Field(default=64, ge=1)
    """gRPC subscribers and open pages together at most."""

    subscriber_alerts_max: int = Field(default=1_000, ge=1)
    """Alerts a subscriber may fall behind before it is ended with RESOURCE_EXHAUSTED."""

    pictures: bool = True
    """Make a thumbnail of each alert's picture, in a process of its own."""

    picture_queue_max: int = Field(default=200, ge=1)
    """Alerts whose picture is still to be made at most; past it a picture is made when somebody looks at it."""
