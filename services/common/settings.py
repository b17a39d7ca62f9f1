"""What the settings of all three services share, and how settings become an object or a clear refusal."""

import sys
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_args

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, CliSettingsSource, CliSuppress, SettingsConfigDict

from sightline.errors import ConfigError
from sightline.io.brokers import Brokers
from sightline.io.tls import ServerTls


class ServiceSettings(BaseSettings):
    """Each field is a flag (`--http-port`) and an environment variable (the service's prefix and `HTTP_PORT`).

    Secrets are environment variables only. An empty variable is none.
    """

    model_config = SettingsConfigDict(frozen=True, use_attribute_docstrings=True, extra="forbid", env_ignore_empty=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged."""

    http_host: str = "0.0.0.0"
    """Address of /metrics, /healthz and /readyz."""

    http_port: int = Field(default=0, ge=0, le=65_535)
    """Port of /metrics, /healthz and /readyz; 0 takes a free one and logs it."""

    drain_ms_max: int = Field(default=10_000, ge=0)
    """Milliseconds that work in flight gets to finish after SIGTERM or when a partition is taken away."""

    silent_s_max: float = Field(default=120.0, gt=0)
    """Seconds that a thread which does the work may take to come round before /healthz says that it hangs."""


class GrpcSettings(ServiceSettings):
    """For the services that serve gRPC. Renewed files count from the next connection on."""

    tls_certificate: Path | None = None
    """PEM file of the gRPC server's certificate with its chain; without, it serves in the clear."""

    tls_key: Path | None = None
    """PEM file of the certificate's key."""

    tls_client_ca: Path | None = None
    """PEM file of the authorities whose certificates callers must show; without, nobody is asked for one."""

    @cached_property
    def tls(self) -> ServerTls | None:
        """Raises ConfigError whose key is the setting at fault."""
        if self.tls_certificate is None or self.tls_key is None:
            given = [name for name in ("tls_certificate", "tls_key", "tls_client_ca") if getattr(self, name)]
            if given:
                missing = "tls_certificate" if self.tls_certificate is None else "tls_key"
                raise ConfigError(f"is needed beside {given[0]}", key=missing)
            return None
        try:
            return ServerTls(self.tls_certificate, self.tls_key, self.tls_client_ca)
        except ConfigError as error:
            raise ConfigError(error.message, key=f"tls_{error.key}") from None

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        self.tls  # noqa: B018
        return self


class KafkaSettings(ServiceSettings):
    """For the services that read from Kafka."""

    bootstrap_servers: str = "localhost:9092"
    """Kafka brokers, host:port separated by commas."""

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to the brokers."""

    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How to show who we are; needed with SASL_PLAINTEXT and SASL_SSL."""

    kafka_sasl_username: str | None = None
    """Who we are. The password is in the environment alone, with KAFKA_SASL_PASSWORD after the prefix."""

    kafka_sasl_password: CliSuppress[SecretStr | None] = None
    """The user's password."""

    kafka_ca: Path | None = None
    """PEM file of the authorities that the brokers' certificates are checked against; by default the system's."""

    kafka_certificate: Path | None = None
    """PEM file of our certificate, where the brokers ask for one."""

    kafka_key: Path | None = None
    """PEM file of our certificate's key; its password is in the environment alone, KAFKA_KEY_PASSWORD."""

    kafka_key_password: CliSuppress[SecretStr | None] = None
    """Password of the key's file."""

    session_timeout_ms: int = Field(default=6_000, ge=1_000)
    """Milliseconds without a heartbeat after which Kafka gives our partitions to another instance."""

    instance: str | None = None
    """Name of this instance, the same over restarts (Kafka's group.instance.id); a StatefulSet's pod name suits."""

    @cached_property
    def brokers(self) -> Brokers:
        """Raises ConfigError whose key is the setting at fault."""
        try:
            return Brokers(
                self.bootstrap_servers,
                self.kafka_security_protocol,
                self.kafka_sasl_mechanism,
                self.kafka_sasl_username,
                _revealed(self.kafka_sasl_password),
                self.kafka_ca,
                self.kafka_certificate,
                self.kafka_key,
                _revealed(self.kafka_key_password),
            )
        except ConfigError as error:
            raise ConfigError(error.message, key=f"kafka_{error.key}") from None

    @model_validator(mode="after")
    def _check_brokers(self) -> Self:
        self.brokers  # noqa: B018
        return self


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


S = TypeVar("S", bound=ServiceSettings)


def load(kind: type[S], argv: list[str] | None = None, *, program: str, examples: str) -> S:
    """Settings from flags, then environment, then defaults. Ends the process with code 2 and a line a fault."""
    # pydantic-settings reads sys.argv only through this source; the root parser's epilog holds the examples.
    import argparse

    parser = argparse.ArgumentParser(
        prog=program,
        description=(kind.__doc__ or "").strip(),
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    source: Any = CliSettingsSource(
        kind, root_parser=parser, cli_kebab_case=True, cli_implicit_flags=True, cli_hide_none_type=True
    )
    given = sys.argv[1:] if argv is None else argv
    faults = [f"{_names(kind, each)}: only in the environment" for each in _secrets(kind) if _is_flag(each, given)]
    if not faults:
        try:
            return kind(_cli_settings_source=source(args=given))  # type: ignore[call-arg]
        except ConfigError as error:
            faults = [f"{_names(kind, error.key or '')}: {error.message}"]
        except ValidationError as error:
            for fault in error.errors():
                name = str(fault["loc"][0]) if fault["loc"] else ""
                shown = fault["type"] != "missing" and name not in _secrets(kind)
                faults.append(f"{_names(kind, name)}: {fault['msg']}" + (f" (got {fault['input']!r})" if shown else ""))
    for line in faults:
        print(f"{program}: {line}", file=sys.stderr)
    raise SystemExit(2)


def _names(kind: type[ServiceSettings], field: str) -> str:
    """The flag and the variable of a field."""
    variable = f"{kind.model_config.get('env_prefix', '')}{field}".upper()
    return variable if field in _secrets(kind) else f"--{field.replace('_', '-')} or {variable}"


def _secrets(kind: type[ServiceSettings]) -> list[str]:
    return [name for name, each in kind.model_fields.items() if SecretStr in get_args(each.annotation)]


def _is_flag(field: str, given: list[str]) -> bool:
    flag = "--" + field.replace("_", "-")
    return any(each == flag or each.startswith(flag + "=") for each in given)


def existing(path: Path, what: str) -> Path:
    """`path`, or ValueError saying that `what` is not there; for pydantic validators."""
    if not path.exists():
        raise ValueError(f"{what} not found: {path}")
    return path
