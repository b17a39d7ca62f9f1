"""How to be let into Kafka: what is refused before any connection, and that no secret shows."""

from pathlib import Path

import pytest

from sightline.errors import ConfigError
from sightline.io.brokers import Brokers

SASL = {
    "SECURITY_PROTOCOL": "SASL_SSL",
    "SASL_MECHANISM": "SCRAM-SHA-512",
    "SASL_USERNAME": "me",
    "SASL_PASSWORD": "pw!",
}


def brokers(**given: str) -> Brokers:
    return Brokers.from_environment("kafka:9093", {f"SIGHTLINE_KAFKA_{name}": value for name, value in given.items()})


def test_nothing_but_an_address() -> None:
    assert brokers().client_config() == {"bootstrap.servers": "kafka:9093", "security.protocol": "PLAINTEXT"}
    assert Brokers.of("kafka:9093") == brokers(SECURITY_PROTOCOL="", CA="") == Brokers.of(brokers())


def test_all_of_it_reaches_the_client_and_no_secret_a_log(tmp_path: Path) -> None:
    for name in ("ca.pem", "crt.pem", "key.pem"):
        (tmp_path / name).touch()
    files = {"CA": f"{tmp_path}/ca.pem", "CERTIFICATE": f"{tmp_path}/crt.pem", "KEY": f"{tmp_path}/key.pem"}
    made = brokers(**SASL, **files, KEY_PASSWORD="kp!")
    assert made.client_config() == {
        "bootstrap.servers": "kafka:9093",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "sasl.password": "pw!",
        "ssl.ca.location": f"{tmp_path}/ca.pem",
        "ssl.certificate.location": f"{tmp_path}/crt.pem",
        "ssl.key.location": f"{tmp_path}/key.pem",
        "ssl.key.password": "kp!",
    }
    assert "pw!" not in f"{made} {made!r}" and "kp!" not in f"{made!r}"


@pytest.mark.parametrize(
    ("given", "key", "said"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "SECURITY_PROTOCOL", "is 'TLS'; one of PLAINTEXT, SSL"),
        (SASL | {"SASL_MECHANISM": ""}, "SASL_MECHANISM", "is needed with SASL_SSL; one of PLAIN, SCRAM"),
        (SASL | {"SASL_MECHANISM": "GSSAPI"}, "SASL_MECHANISM", "is 'GSSAPI'"),
        (SASL | {"SASL_USERNAME": ""}, "SASL_USERNAME", "is needed with SASL_SSL"),
        (SASL | {"SASL_PASSWORD": ""}, "SASL_PASSWORD", "is needed with SASL_SSL"),
        ({"SASL_USERNAME": "me"}, "SASL_USERNAME", "has no use with security_protocol PLAINTEXT"),
        ({"CA": "/ca.pem"}, "CA", "has no use with security_protocol PLAINTEXT"),
        ({"SECURITY_PROTOCOL": "SSL", "CA": "/no/ca.pem"}, "CA", "file not found: /no/ca.pem"),
        ({"SECURITY_PROTOCOL": "SSL", "CERTIFICATE": __file__}, "KEY", "is needed beside the certificate"),
        ({"SECURITY_PROTOCOL": "SSL", "KEY": __file__}, "CERTIFICATE", "is needed beside the key"),
    ],
)
def test_what_is_refused_names_its_variable(given: dict[str, str], key: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        brokers(**given)
    assert str(error.value).startswith(f"SIGHTLINE_KAFKA_{key}: {said}")
