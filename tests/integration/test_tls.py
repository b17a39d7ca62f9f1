"""TLS on gRPC: who is let in, who is refused and told why, and certificates that are renewed while servers run."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.alerting import servicer
from services.alerting.feed import Feed
from services.featurizer import server
from services.featurizer.servicers.featurizer import FeaturizerServicer
from services.featurizer.settings import Settings
from sightline.cli.kafka_options import NotThereError
from sightline.cli.send_alert import AtService
from sightline.errors import ConfigError
from sightline.io.tls import ClientTls, ServerTls
from tests.authority import Authority, Files
from tests.integration.pools import WAIT_S, Asking, asking, until
from tools.processes import free_port


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), WAIT_S * 2))


@pytest.fixture
def served(authority: Authority) -> Files:
    """The certificate of the pool."""
    return authority.issue("featurizers", file="featurizers")


@asynccontextmanager
async def featurizer(root: Path, served: Files, client_ca: Path | None) -> AsyncIterator[int]:
    """The port of one that says it serves. It has no models: streams open and that is all."""
    mine = {"tls_certificate": served.certificate, "tls_key": served.key, "tls_client_ca": client_ca}
    settings = Settings(model_root=root, grpc_host="127.0.0.1", grpc_port=0, **mine)  # type: ignore[arg-type]
    health = server.Health()
    async with server.serving(settings, FeaturizerServicer(settings), health) as port:
        await health.serving(True)
        yield port


@asynccontextmanager
async def caller(directory: Path, port: int, **tls: Any) -> AsyncIterator[Asking]:
    given: dict[str, Any] = {f"featurizer_tls_{name}": value for name, value in tls.items()}
    names = {"featurizers": {f"127.0.0.1:{port}"}}
    async with asking(directory, f"featurizers:{port}", names=names, **given) as asked:
        yield asked


def why_not(caplog: pytest.LogCaptureFixture) -> str:
    return " ".join(str(each.__dict__["why"]) for each in caplog.records if each.message == "featurizer is not ready")


def test_both_sides_show_a_certificate(tmp_path: Path, authority: Authority, served: Files) -> None:
    mine = authority.issue("joiner", file="joiner")

    async def test() -> None:
        async with featurizer(tmp_path, served, authority.ca) as port:
            mutual = {"ca": authority.ca, "certificate": mine.certificate, "key": mine.key}
            async with caller(tmp_path, port, **mutual) as asked:
                await until(lambda: asked.open, "a stream")

    run(test)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("no certificate", ""),  # TLS 1.3 tells a client of it by the end of the connection alone
        ("another authority", "CERTIFICATE_VERIFY_FAILED"),
        ("another name", "Hostname Verification Check failed"),
        ("no TLS", ""),
    ],
)
def test_who_is_refused_gets_no_stream_and_a_reason(
    tmp_path: Path, authority: Authority, served: Files, caplog: pytest.LogCaptureFixture, case: str, said: str
) -> None:
    tls: dict[str, object] = {"ca": authority.ca}
    client_ca = authority.ca if case == "no certificate" else None
    if case == "another authority":
        tls = {"ca": Authority(tmp_path / "another").ca}
    if case == "another name":
        tls |= {"name": "joiner.example"}
    if case == "no TLS":
        tls = {}

    async def test() -> None:
        async with featurizer(tmp_path, served, client_ca) as port, caller(tmp_path, port, **tls) as asked:
            await until(lambda: why_not(caplog), "a reason")
            assert not asked.open and said in why_not(caplog), why_not(caplog)

    run(test)


async def serial(port: int, ca: Path) -> int:
    """Of the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="featurizers")
    shown = writer.get_extra_info("ssl_object").getpeercert()
    writer.close()
    return int(shown["serialNumber"], 16)


def test_a_renewed_certificate_is_shown_to_new_callers(
    tmp_path: Path, authority: Authority, served: Files, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with featurizer(tmp_path, served, None) as port, caller(tmp_path, port, ca=authority.ca) as before:
            await until(lambda: before.open, "a stream")
            first = await serial(port, authority.ca)
            assert await serial(port, authority.ca) == first
            served.key.write_text("half of a")
            assert await serial(port, authority.ca) == first
            authority.issue("featurizers", file="featurizers")
            assert await serial(port, authority.ca) != first
            async with caller(tmp_path, port, ca=authority.ca) as after:
                await until(lambda: after.open, "a stream")
            assert before.open

    run(test)
    assert "renewed certificate can't be used, the one before is" in caplog.text


def test_a_callers_renewed_certificate_is_used(
    tmp_path: Path, authority: Authority, served: Files, caplog: pytest.LogCaptureFixture
) -> None:
    """One of an authority that the server does not know, then the right one in the same files."""
    mine = Authority(tmp_path / "another").issue("joiner", file="joiner")

    async def test() -> None:
        async with featurizer(tmp_path, served, authority.ca) as port:
            mutual = {"ca": authority.ca, "certificate": mine.certificate, "key": mine.key}
            async with caller(tmp_path, port, **mutual) as asked:
                await until(lambda: why_not(caplog), "a reason")
                right = authority.issue("joiner", file="right")
                mine.key.write_bytes(right.key.read_bytes())
                mine.certificate.write_bytes(right.certificate.read_bytes())
                await until(lambda: asked.open, "a stream")

    run(test)


def test_alerting_and_the_command_line(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    alerting, mine = authority.issue("127.0.0.1", file="alerting"), authority.issue("me", file="me")
    tls, port = ServerTls(alerting.certificate, alerting.key, authority.ca), free_port()

    async def test() -> None:
        async with servicer.serving(servicer.AlertsServicer(Feed(1, 1, 1)), "127.0.0.1", port, None, tls):
            waiter = await asyncio.to_thread(AtService, f"127.0.0.1:{port}", WAIT_S)
            assert await asyncio.to_thread(waiter.wait, {"none"}, 0.5) is None
            waiter.close()
            monkeypatch.delenv("SIGHTLINE_TLS_CERTIFICATE")
            monkeypatch.delenv("SIGHTLINE_TLS_KEY")
            with pytest.raises(NotThereError, match="gave up after"):
                await asyncio.to_thread(AtService, f"127.0.0.1:{port}", 0.1)

    for name, path in (("CA", authority.ca), ("CERTIFICATE", mine.certificate), ("KEY", mine.key)):
        monkeypatch.setenv(f"SIGHTLINE_TLS_{name}", str(path))
    run(test)


def test_wrong_files_are_refused_at_the_start(tmp_path: Path, authority: Authority) -> None:
    one, two = authority.issue("one", file="one"), authority.issue("two", file="two")
    text = tmp_path / "text"
    text.write_text("no certificate")
    for certificate, key, ca, said in (
        (tmp_path / "no", one.key, None, f"certificate: file not found: {tmp_path}/no"),
        (one.certificate, two.key, None, "certificate: .*KEY_VALUES_MISMATCH"),
        (text, one.key, None, "certificate: "),
        (one.certificate, one.key, text, "client_ca: "),
    ):
        with pytest.raises(ConfigError, match=said):
            ServerTls(certificate, key, ca)
    with pytest.raises(ConfigError, match="SIGHTLINE_TLS_KEY: is needed beside the certificate"):
        ClientTls.from_environment({"SIGHTLINE_TLS_CERTIFICATE": str(one.certificate)})
    with pytest.raises(ConfigError, match="tls_key: is needed beside tls_certificate"):
        Settings(model_root=tmp_path, tls_certificate=one.certificate)
    assert ClientTls.from_environment({"SIGHTLINE_TLS_CA": ""}) is None
