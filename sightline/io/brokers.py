"""Which Kafka, and what it takes to be let in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sightline.errors import ConfigError

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

PREFIX = "SIGHTLINE_KAFKA_"
"""Of the command line's environment variables: this and a field's name."""

SERVERS = f"{PREFIX}BOOTSTRAP_SERVERS"


@dataclass(frozen=True)
class Brokers:
    """Servers as host:port separated by commas; files are PEM. Raises ConfigError whose key is the field at fault."""

    servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    key_password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._check_choice("security_protocol", PROTOCOLS)
        if self.security_protocol.startswith("SASL_"):
            self._check_choice("sasl_mechanism", MECHANISMS)
            self._check_needed("sasl_username", "sasl_password")
        else:
            self._check_unused("sasl_mechanism", "sasl_username", "sasl_password")
        if self.security_protocol.endswith("SSL"):
            self._check_files("ca", "certificate", "key")
        else:
            self._check_unused("ca", "certificate", "key", "key_password")

    def __str__(self) -> str:
        return self.servers

    @classmethod
    def of(cls, value: "str | Brokers") -> "Brokers":
        """Servers alone stand for brokers that let everybody in."""
        return cls(value) if isinstance(value, str) else value

    @classmethod
    def from_environment(cls, servers: str, environment: Mapping[str, str] = os.environ) -> "Brokers":
        """As SIGHTLINE_KAFKA_SECURITY_PROTOCOL, _SASL_USERNAME, _CA ... say; an empty variable is none."""
        given: dict[str, Any] = {
            each.name: Path(text) if each.name in ("ca", "certificate", "key") else text
            for each in fields(cls)
            if (text := environment.get(PREFIX + each.name.upper()))
        }
        try:
            return cls(**{**given, "servers": servers})
        except ConfigError as error:
            raise ConfigError(error.message, key=f"{PREFIX}{error.key}".upper()) from None

    def environment(self) -> dict[str, str]:
        """What `from_environment` reads, and SERVERS. Holds the secrets: for a child process, not for a log."""
        given = {
            PREFIX + each.name.upper(): getattr(self, each.name) for each in fields(self) if each.name != "servers"
        }
        return {SERVERS: self.servers} | {name: str(value) for name, value in given.items() if value is not None}

    def client_config(self) -> dict[str, Any]:
        """librdkafka's settings. Holds the secrets: not for a log."""
        wanted = {
            "bootstrap.servers": self.servers,
            "security.protocol": self.security_protocol,
            "sasl.mechanism": self.sasl_mechanism,
            "sasl.username": self.sasl_username,
            "sasl.password": self.sasl_password,
            "ssl.ca.location": self.ca and str(self.ca),
            "ssl.certificate.location": self.certificate and str(self.certificate),
            "ssl.key.location": self.key and str(self.key),
            "ssl.key.password": self.key_password,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    def _check_choice(self, name: str, choices: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in choices:
            said = f"is {value!r}" if value else f"is needed with {self.security_protocol}"
            raise ConfigError(f"{said}; one of {', '.join(choices)}", key=name)

    def _check_needed(self, *names: str) -> None:
        for name in names:
            if not getattr(self, name):
                raise ConfigError(f"is needed with {self.security_protocol}", key=name)

    def _check_unused(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) is not None:
                raise ConfigError(f"has no use with security_protocol {self.security_protocol}", key=name)

    def _check_files(self, *names: str) -> None:
        for name in names:
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise ConfigError(f"file not found: {path}", key=name)
        for name, other in (("certificate", "key"), ("key", "certificate")):
            if getattr(self, name) and not getattr(self, other):
                raise ConfigError(f"is needed beside the {name}", key=other)
