"""What the settings of all three services share, and how settings become an object or a clear refusal."""

import sys
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, CliSettingsSource, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Each field is a flag (`--http-port`) and an environment variable (the service's prefix and `HTTP_PORT`)."""

    model_config = SettingsConfigDict(frozen=True, use_attribute_docstrings=True, extra="forbid")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged."""

    http_host: str = "0.0.0.0"
    """Address of /metrics, /healthz and /readyz."""

    http_port: int = Field(default=0, ge=0, le=65_535)
    """Port of /metrics, /healthz and /readyz; 0 takes a free one and logs it."""

    drain_ms_max: int = Field(default=10_000, ge=0)
    """Milliseconds that work in flight gets to finish after SIGTERM or when a partition is taken away."""


class KafkaSettings(ServiceSettings):
    """For the services that read from Kafka."""

    bootstrap_servers: str = "localhost:9092"
    """Kafka brokers, host:port separated by commas."""

    session_timeout_ms: int = Field(default=6_000, ge=1_000)
    """Milliseconds without a heartbeat after which Kafka gives our partitions to another instance."""

    instance: str | None = None
    """Name of this instance, the same over restarts (Kafka's group.instance.id); a StatefulSet's pod name suits."""


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
    try:
        return kind(_cli_settings_source=source(args=sys.argv[1:] if argv is None else argv))  # type: ignore[call-arg]
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        for fault in error.errors():
            name = str(fault["loc"][0]) if fault["loc"] else ""
            flag, variable = "--" + name.replace("_", "-"), f"{prefix}{name}".upper()
            value = "" if fault["type"] == "missing" else f" (got {fault['input']!r})"
            print(f"{program}: {flag} or {variable}: {fault['msg']}{value}", file=sys.stderr)
        raise SystemExit(2) from None


def existing(path: Path, what: str) -> Path:
    """`path`, or ValueError saying that `what` is not there; for pydantic validators."""
    if not path.exists():
        raise ValueError(f"{what} not found: {path}")
    return path
