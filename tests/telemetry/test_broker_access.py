"""The shipped production configuration of Mosquitto, run as it is: who gets in, who may say and hear what.

Certificates are made here; nothing of them, and no password, may be found in a log.
"""

from __future__ import annotations

import contextlib
import getpass
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import trustme

from telemetry.brokers import Running, mosquitto, start
from tests.telemetry.client import Client
from tests.telemetry.until import until

NUMBER = count()
USERS = ("bms", "halltwin", "integration-1", "stranger")  # the last has a password and no line in the access list
POINT = "Rack/RackPower/H1/R1"
SAID_TO_ALL = [
    f"BMS/v1/PUB/Value/{POINT}",
    f"BMS/v1/PUB/Metadata/{POINT}",
    f"BMS/v1/integration-1/Value/{POINT}",
    f"BMS/v1/integration-1/Metadata/{POINT}",
    f"BMS/v1/integration-2/Value/{POINT}",
    f"BMS/v1/halltwin/Value/{POINT}",
    f"BMS/v1/stranger/Value/{POINT}",
    "BMS/v2/PUB/Value/x",
    "elsewhere",
    "$SYS/broker/version",
]


def password(user: str) -> str:
    return f"secret-of-{user}-7f3a"


@dataclass
class Site:
    """A broker in its production form, and the authority that signed its certificate."""

    broker: Running
    authority: trustme.CA

    def context(self, name: str | None = None, signed_by: trustme.CA | None = None) -> ssl.SSLContext:
        """TLS of a client that trusts the authority; with the certificate of ``name``."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if name is not None:
            (signed_by or self.authority).issue_cert(common_name=name).configure_cert(context)
        return context

    def by_password(self, user: str | None, secret: str | None = None) -> Client:
        """A client of the listener with passwords, not yet connected."""
        client = Client(self.broker.launch.ports["mqtts"], f"password-{next(NUMBER)}")
        client.paho.tls_set_context(self.context())
        if user is not None:
            client.paho.username_pw_set(user, password(user) if secret is None else secret)
        client.paho.reconnect_delay_set(60, 60)
        return client

    def by_certificate(self, context: ssl.SSLContext) -> Client:
        """A client of the listener with client certificates, not yet connected."""
        client = Client(self.broker.launch.ports["mtls"], f"certificate-{next(NUMBER)}")
        client.paho.tls_set_context(context)
        client.paho.reconnect_delay_set(60, 60)
        return client


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("production")
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", common_name="127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.crt")
    server.cert_chain_pems[0].write_to_path(folder / "server.crt")
    server.private_key_pem.write_to_path(folder / "server.key")
    passwords = folder / "passwords"
    passwords.write_text("".join(f"{user}:{password(user)}\n" for user in USERS))
    passwords.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", passwords], check=True, capture_output=True)  # hashes them
    files = mosquitto.Production(
        folder / "ca.crt", folder / "server.crt", folder / "server.key", passwords, user=getpass.getuser()
    )
    with start("mosquitto", folder / "broker", files=files) as broker:
        yield Site(broker, authority)


def refused(client: Client) -> str:
    """The broker's word; "" where it ends the connection without one."""
    client.paho.connect("127.0.0.1", client.port)
    end = time.monotonic() + 30.0
    while client.code is None and not client.lost:
        client.paho.loop(0.1)
        assert time.monotonic() < end
    client.stop()
    assert client.code != "Success"
    return client.code or ""


def test_no_listener_is_in_the_clear(site):
    assert set(site.broker.addresses) == {"mqtts", "mtls"}
    assert site.broker.address.startswith("mqtts://127.0.0.1:")
    for port in site.broker.launch.ports.values():
        with socket.create_connection(("127.0.0.1", port), 30) as plain:
            plain.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x0a\x00\x01x")
            with contextlib.suppress(ConnectionResetError):
                assert plain.recv(4)[:1] != b"\x20"


def test_anonymous_and_unknown_users_and_wrong_passwords_are_refused(site):
    assert refused(site.by_password(None)) == "Not authorized"
    assert refused(site.by_password("halltwin", "wrong")) == "Not authorized"
    assert refused(site.by_password("halltwin", "")) == "Not authorized"
    assert refused(site.by_password("nobody", password("halltwin"))) == "Not authorized"


@pytest.mark.parametrize("user", USERS)
def test_the_right_password_is_accepted(site, user):
    with site.by_password(user) as client:
        assert client.code == "Success"


def test_a_client_refuses_a_broker_whose_certificate_another_authority_signed(site):
    wrong = ssl.create_default_context()
    trustme.CA().configure_trust(wrong)
    for port in site.broker.launch.ports.values():
        with socket.create_connection(("127.0.0.1", port), 30) as link, pytest.raises(ssl.SSLCertVerificationError):
            wrong.wrap_socket(link, server_hostname="127.0.0.1")


def test_where_certificates_are_asked_for_none_and_that_of_another_authority_are_refused(site):
    assert refused(site.by_certificate(site.context())) == ""
    assert refused(site.by_certificate(site.context("bms", signed_by=trustme.CA()))) == ""
    # The client hears of the end before the broker has written why.
    assert until(lambda: "peer did not return a certificate" in site.broker.log.read_text())
    assert until(lambda: any(why in site.broker.log.read_text() for why in ("certificate verify failed", "unknown ca")))


def test_a_password_does_not_replace_the_certificate(site):
    client = site.by_certificate(site.context())
    client.paho.username_pw_set("halltwin", password("halltwin"))
    assert refused(client) == ""


def test_tls_older_than_1_2_is_refused(site):
    for port in site.broker.launch.ports.values():
        with warnings.catch_warnings(), socket.create_connection(("127.0.0.1", port), 30) as link:
            warnings.simplefilter("ignore", DeprecationWarning)  # it is what is to be refused
            old = site.context("bms")
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
            with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
                old.wrap_socket(link, server_hostname="127.0.0.1")


def said(site: Site, speaker: Client, hearer: Client) -> set[str]:
    """What ``hearer`` gets of everything that ``speaker`` says at QoS 1, which is acknowledged to it in any case."""
    hearer.got.clear()
    assert speaker.publish([(topic, b"x") for topic in SAID_TO_ALL]) == len(SAID_TO_ALL)
    assert set(speaker.reasons) == {"Success"}
    with site.by_password("bms") as last:
        last.publish([("BMS/v1/PUB/Value/last", b"x")])
    assert hearer.until(lambda: heard_last(hearer))
    return {message.topic for message in hearer.got} - {"BMS/v1/PUB/Value/last"}


def heard_last(client: Client) -> bool:
    return any(message.topic.endswith("/last") for message in client.got)


MAY_SAY = {
    "bms": {f"BMS/v1/PUB/Value/{POINT}", f"BMS/v1/PUB/Metadata/{POINT}"},
    "halltwin": set(),
    "integration-1": {f"BMS/v1/integration-1/Value/{POINT}"},
    "stranger": set(),
}


@pytest.mark.parametrize("user", USERS)
def test_what_a_user_may_not_say_is_acknowledged_and_never_arrives(site, user):
    with site.by_password("halltwin") as twin, site.by_password(user) as speaker:
        twin.subscribe("#", 1)
        twin.subscribe("$SYS/#", 1)
        assert said(site, speaker, twin) == MAY_SAY[user]


def test_a_certificate_makes_its_name_the_user(site):
    with site.by_certificate(site.context("halltwin")) as twin:
        twin.subscribe("#", 1)
        for name in ("bms", "integration-1", "not-in-the-list", "PUB"):
            with site.by_certificate(site.context(name)) as speaker:
                assert said(site, speaker, twin) == MAY_SAY.get(name, set())


def test_who_is_not_named_hears_nothing_and_an_integration_hears_the_bms_only(site):
    with (
        site.by_password("stranger") as stranger,
        site.by_password("integration-1") as integration,
        site.by_password("halltwin") as twin,
        site.by_password("bms") as bms,
    ):
        for client in (stranger, integration, twin, bms):
            client.subscribe("#", 1)
        assert said(site, integration, twin) == MAY_SAY["integration-1"]
        assert stranger.quiet() == 0
        assert all(each.until(lambda each=each: heard_last(each)) for each in (integration, bms))
        assert {message.topic for message in integration.got} == {"BMS/v1/PUB/Value/last"}
        assert {message.topic for message in bms.got} == MAY_SAY["integration-1"] | {"BMS/v1/PUB/Value/last"}


def test_nothing_secret_is_in_logs_or_in_the_configuration(site):
    """After all that the tests of this file did; once more here for when this one comes first."""
    assert refused(site.by_password("halltwin", "a-wrong-secret")) == "Not authorized"
    with site.by_password("halltwin"), site.by_certificate(site.context("bms")):
        pass
    hashes = [line.split(":", 1)[1] for line in (site.broker.folder.parent / "passwords").read_text().splitlines()]
    assert all(text.startswith("$7$") for text in hashes)
    secrets = [*map(password, USERS), *hashes, "a-wrong-secret", "PRIVATE KEY"]
    for path in (site.broker.log, site.broker.folder / "mosquitto.conf", site.broker.folder / "acl"):
        text = path.read_text(errors="replace")
        assert text
        assert [secret for secret in secrets if secret in text] == []


def test_the_configuration_that_is_shown_is_the_one_that_runs_but_for_its_paths_and_ports(site):
    shown = mosquitto.production(mosquitto.Production()).splitlines()
    ran = (site.broker.folder / "mosquitto.conf").read_text().splitlines()
    keys = {one.split()[0] for one, other in zip(shown, ran, strict=True) if one != other}
    assert keys <= {"#", "listener", "cafile", "certfile", "keyfile", "password_file", "acl_file", "user",
                    "persistence_location"}  # fmt: skip
    assert not any(line.split()[:1] == ["listener"] and line.endswith(" 0.0.0.0") for line in shown)
    assert "$" not in "".join(line for line in shown if not line.startswith("#"))
    assert Path(site.broker.folder / "acl").read_text() == mosquitto.access_list()
