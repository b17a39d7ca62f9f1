"""TLS on gRPC, from PEM files that may be renewed while we run.

A server reads its files at each new connection, a client before each; what is connected stays so. Settings are made of
this before gRPC may be imported, which reads its environment once: hence the imports inside.
"""

import logging
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigError

if TYPE_CHECKING:
    import grpc

log = logging.getLogger(__name__)

PREFIX = "SIGHTLINE_TLS_"
"""Of the command line's environment variables: this and a field's name in ClientTls."""


@dataclass(frozen=True)
class ServerTls:
    """With `client_ca` callers must show a certificate of that authority. Raises ConfigError whose key is a field."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def __post_init__(self) -> None:
        _check(self.client_ca, self.certificate, self.key, ca_field="client_ca")

    def credentials(self) -> "grpc.ServerCredentials":
        import grpc

        return grpc.dynamic_ssl_server_credentials(
            self._configuration(self._read()), _Renewal(self), require_client_authentication=self.client_ca is not None
        )

    def _read(self) -> tuple[bytes | None, ...]:
        return _read(self.key, self.certificate, self.client_ca)

    @staticmethod
    def _configuration(content: tuple[bytes | None, ...]) -> "grpc.ServerCertificateConfiguration":
        import grpc

        key, certificate, client_ca = content
        return grpc.ssl_server_certificate_configuration([(key, certificate)], client_ca)


class _Renewal:
    """Called by gRPC before each handshake: a new configuration, or None to go on with the last one."""

    def __init__(self, tls: ServerTls) -> None:
        self._tls, self._used = tls, tls._read()

    def __call__(self) -> "grpc.ServerCertificateConfiguration | None":
        try:
            content = self._tls._read()
            if content == self._used:
                return None
            self._tls.__post_init__()
        except (OSError, ConfigError) as error:
            log.warning("renewed certificate can't be used, the one before is", extra={"why": str(error)})
            return None
        self._used = content
        log.info("certificate renewed", extra={"file": str(self._tls.certificate)})
        return self._tls._configuration(content)


@dataclass(frozen=True)
class ClientTls:
    """`name` is the one in the server's certificate, where it is not the host that is connected to.

    Without `ca` the system's authorities count. Raises ConfigError whose key is a field.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        _check(self.ca, self.certificate, self.key)

    @classmethod
    def of(cls, ca: Path | None, certificate: Path | None, key: Path | None, name: str | None) -> "ClientTls | None":
        """None where no file is given: no TLS."""
        return cls(ca, certificate, key, name) if ca or certificate or key else None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ClientTls | None":
        """As SIGHTLINE_TLS_CA, _CERTIFICATE, _KEY and _NAME say; an empty variable is none."""
        given = {each.name: environment.get(PREFIX + each.name.upper()) or None for each in fields(cls)}
        paths = {name: Path(text) if text else None for name, text in given.items() if name != "name"}
        try:
            return cls.of(**paths, name=given["name"])
        except ConfigError as error:
            raise ConfigError(error.message, key=f"{PREFIX}{error.key}".upper()) from None

    def read(self) -> tuple[bytes | None, ...]:
        """What the files hold now. Raises OSError."""
        return _read(self.ca, self.key, self.certificate)

    def channel(self, kind: Any, address: str, host: str, options: list[tuple[str, Any]]) -> Any:
        """A channel by `kind`, grpc.secure_channel or grpc.aio.secure_channel, with what the files hold now."""
        import grpc

        named = [("grpc.ssl_target_name_override", self.name or host)]
        return kind(address, grpc.ssl_channel_credentials(*self.read()), options=options + named)


def channel(tls: ClientTls | None, address: str, options: list[tuple[str, Any]]) -> "grpc.Channel":
    """To host:port, with TLS if there is any; or to unix:/path, which has no need of it."""
    import grpc

    if tls is None or address.startswith("unix:"):
        return grpc.insecure_channel(address, options=options)
    made: grpc.Channel = tls.channel(grpc.secure_channel, address, address.rpartition(":")[0], options)
    return made


def _read(*files: Path | None) -> tuple[bytes | None, ...]:
    return tuple(each.read_bytes() if each else None for each in files)


def _check(ca: Path | None, certificate: Path | None, key: Path | None, ca_field: str = "ca") -> None:
    for name, path in ((ca_field, ca), ("certificate", certificate), ("key", key)):
        if path is not None and not path.is_file():
            raise ConfigError(f"file not found: {path}", key=name)
    if (certificate is None) != (key is None):
        missing, there = ("key", "certificate") if key is None else ("certificate", "key")
        raise ConfigError(f"is needed beside the {there}", key=missing)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        if certificate is not None and key is not None:
            context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"{certificate} and its key {key}: {_said(error)}", key="certificate") from None
    try:
        if ca is not None:
            context.load_verify_locations(ca)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"{ca}: {_said(error)}", key=ca_field) from None


def _said(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)
