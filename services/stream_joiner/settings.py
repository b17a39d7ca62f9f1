"""Settings of the stream joiner."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from services.common.settings import KafkaSettings, existing
from sightline.errors import ConfigError
from sightline.io.tls import ClientTls
from sightline.query.tables import TableLimits

PROGRAM = "python -m services.stream_joiner"

EXAMPLES = f"""\
  {PROGRAM} --pipeline pipelines/find-bond.yaml --bootstrap-servers localhost:9092 \\
      --featurizer-address localhost:8500
  {PROGRAM} --pipeline pipelines/find-bond.yaml --featurizer-address gpu:8500,cpu:8500   cpu while no gpu is ready
  SIGHTLINE_JOINER_FEATURIZER_ADDRESS=unix:/run/featurizer.sock {PROGRAM} --pipeline pipelines/find-bond.yaml
"""


class Settings(KafkaSettings):
    """Join events with tables, score their images, send the rows that are left to the pipeline's sink."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_JOINER_")

    pipeline: Annotated[Path, AfterValidator(lambda path: existing(path, "pipeline file"))]
    """Pipeline file (YAML with the query)."""

    group: str | None = None
    """Consumer group; by default sightline-joiner-<pipeline>."""

    featurizer_address: str = "localhost:8500"
    """Featurizers as host:port, every address of the name is used; or unix:/path. Several pools separated by commas:
    images go to the first that is ready."""

    featurizer_tls_ca: Path | None = None
    """PEM file of the authorities that the featurizers' certificates are checked against; with it, TLS is used."""

    featurizer_tls_certificate: Path | None = None
    """PEM file of our certificate, where featurizers ask for one. Renewed files count from the next connection on."""

    featurizer_tls_key: Path | None = None
    """PEM file of our certificate's key."""

    featurizer_tls_name: str | None = None
    """Name in the featurizers' certificates; by default the host of the address."""

    resolve_interval_s: float = Field(default=5.0, gt=0)
    """Seconds between look-ups of the featurizer's addresses."""

    request_images_max: int = Field(default=32, ge=1)
    """Images sent in one request at most."""

    stream_images_max: int = Field(default=256, ge=1)
    """Images that one featurizer has not answered at most (a little more, as requests are not cut); others wait. A
    quarter of what it queues: several joiners may send to it."""

    request_timeout_ms: int = Field(default=30_000, ge=1)
    """Milliseconds an attempt to score may take before it is tried again."""

    poison_attempts_max: int = Field(default=3, ge=1)
    """Dead calls with an image alone in them after which it is dead-lettered as poison."""

    message_bytes_max: int = Field(default=64 << 20, ge=1 << 20)
    """Bytes of one gRPC message at most, either way."""

    event_bytes_max: int = Field(default=5 << 20, ge=1)
    """Bytes of an event's value at most; a larger one is dead-lettered as a reference."""

    future_s_max: float = Field(default=10.0, gt=0)
    """Seconds that ce_time may be ahead of the record's timestamp."""

    poll_records_max: int = Field(default=2_000, ge=1)
    """Records taken from the Kafka client at once at most."""

    open_events_max: int = Field(default=2_000, ge=1)
    """Events between poll and answer at most where there is a model; past it the partitions are paused."""

    unscored_events_max: int = Field(default=20_000, ge=0)
    """Events beyond those that may be open until they are acknowledged, without a model to be asked, at most."""

    open_bytes_max: int = Field(default=256 << 20, ge=1 << 20)
    """Bytes of images between poll and answer at most; past it the partitions are paused."""

    table_wait_ms_max: int = Field(default=100, ge=0)
    """Milliseconds an event with an unknown key waits for the table to catch up at most."""

    table_rows_max: int = Field(default=10_000_000, ge=1)
    """Rows of a table at most; further ones are dead-lettered."""

    table_memory_rows_max: int = Field(default=200_000, ge=0)
    """Rows of a table kept in memory at most; a larger table is kept on disk."""

    table_value_bytes_max: int = Field(default=1 << 20, ge=1)
    """Bytes of a table's record at most; a larger one is dead-lettered."""

    table_store_bytes_max: int = Field(default=64 << 30, ge=1 << 20)
    """Bytes of a table on disk at most; past it the joiner ends."""

    table_reload_s: float = Field(default=1.0, gt=0)
    """Seconds between looks at a table's file."""

    state_dir: Path | None = None
    """Folder for what a restart can begin from; without, tables are read from the start of their topics."""

    state_keys_max: int = Field(default=5_000_000, ge=1)
    """Groups of open windows in one partition at most; past it the joiner ends."""

    commit_interval_ms: int = Field(default=100, ge=1)
    """Milliseconds between commits of finished offsets, checkpoints of windows, and transactions."""

    dead_letter_topic: str = "dead-letters"
    """Topic for records that can't be used."""

    @field_validator("featurizer_address")
    @classmethod
    def _pools(cls, text: str) -> str:
        for pool in _split(text):
            host, _, port = pool.rpartition(":")
            if not pool.startswith("unix:") and not (host and port.isdecimal()):
                raise ValueError(f"{pool!r} is neither host:port nor unix:/path")
        return text

    @cached_property
    def featurizer_tls(self) -> ClientTls | None:
        """Raises ConfigError whose key is the setting at fault."""
        try:
            return ClientTls.of(
                self.featurizer_tls_ca,
                self.featurizer_tls_certificate,
                self.featurizer_tls_key,
                self.featurizer_tls_name,
            )
        except ConfigError as error:
            raise ConfigError(error.message, key=f"featurizer_tls_{error.key}") from None

    @model_validator(mode="after")
    def _check_featurizer_tls(self) -> Self:
        self.featurizer_tls  # noqa: B018
        return self

    @property
    def featurizer_pools(self) -> list[str]:
        """By preference."""
        return _split(self.featurizer_address)

    @property
    def table_limits(self) -> TableLimits:
        return TableLimits(
            rows_max=self.table_rows_max,
            memory_rows_max=self.table_memory_rows_max,
            value_bytes_max=self.table_value_bytes_max,
            store_bytes_max=self.table_store_bytes_max,
        )


def _split(addresses: str) -> list[str]:
    return [each.strip() for each in addresses.split(",")]
