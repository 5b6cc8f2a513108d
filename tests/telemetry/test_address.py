"""Addresses hold no secret, and what may be one is never repeated."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from telemetry.address import PASSWORD, Address, Login, make_login, parse_address
from twin.core.errors import InputError

HERE = parse_address("mqtt://127.0.0.1")
TLS = parse_address("mqtts://localhost")


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("mqtt://broker.example", Address("broker.example", 1883), False),
        ("mqtts://broker.example", Address("broker.example", 8883, True), False),
        ("mqtt://127.0.0.1:18830/", Address("127.0.0.1", 18_830), True),
        ("localhost:1884", Address("localhost", 1884), True),
        ("::1", Address("::1", 1883), True),
        ("mqtts://[::1]:99", Address("::1", 99, True), True),
        ("[fe80::1]:1883", Address("fe80::1", 1883), False),
        ("::ffff:127.0.0.1", Address("::ffff:127.0.0.1", 1883), True),
        ("127.1", Address("127.1", 1883), False),
        ("localhost.example", Address("localhost.example", 1883), False),
    ],
)
def test_an_address_is_read_and_only_a_literal_loopback_counts_as_this_machine(text, address, loopback):
    assert parse_address(text) == address
    assert parse_address(str(address)) == address
    assert address.loopback is loopback


@pytest.mark.parametrize(
    "text",
    [
        "mqtt://bob:hunter2@broker",
        "bob:hunter2@broker:1883",
        "mqtt://:hunter2@broker",
        "mqtt://broker?password=hunter2",
        "mqtt://bob:hun/ter2hunter2@broker",
        "mqtt://bob:hunter2@[::1",
        "mqtt://bob:hunter2@:99999999",
    ],
)
def test_a_secret_in_an_address_is_refused_with_what_to_do_and_never_repeated(text):
    with pytest.raises(InputError) as refused:
        parse_address(text)
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(refused.value)
    assert refused.value.__cause__ is None


def test_all_faults_of_an_address_are_told_at_once():
    with pytest.raises(InputError) as refused:
        parse_address("mqqt://bob:pw@broker:70000/topic?x=1")
    words = str(refused.value)
    for part in ('did you mean "mqtt"', PASSWORD, "--user", "1 to 65535", "--topic"):
        assert part in words
    assert len(refused.value.problems) == 6


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_told_fault(text):
    try:
        address = parse_address(text)
    except InputError:
        return
    assert address.host
    assert 1 <= address.port <= 65_535


def test_a_password_comes_from_the_environment_or_a_file_and_stays_out_of_sight(tmp_path: Path):
    login = make_login(HERE, "bob", environment={PASSWORD: "hunter2"})
    assert login.password == "hunter2"
    assert "hunter2" not in f"{login!r} {login}"
    file = tmp_path / "password"
    file.write_text("päss word \nnot this\n")
    file.chmod(0o600)
    login = make_login(HERE, "bob", file, environment={PASSWORD: "hunter2"})
    assert (login.password, login.warnings) == ("päss word ", ())
    file.chmod(0o644)
    assert "chmod 600" in str(make_login(HERE, "bob", file, environment={}).warnings[0])


def test_a_password_over_the_network_in_clear_is_warned_of():
    far = parse_address("mqtt://broker.example")
    assert "in clear" in str(make_login(far, "bob", environment={PASSWORD: "x"}).warnings[0])
    assert make_login(far, "bob", environment={}).warnings == ()


def test_everything_wrong_with_a_login_is_told_at_once(tmp_path: Path):
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(InputError) as refused:
        make_login(
            TLS, None, tmp_path / "none", tmp_path / "ca.pem", None, tmp_path / "key.pem", {PASSWORD: "hunter2"}
        )  # fmt: skip
    words = str(refused.value)
    assert "hunter2" not in words
    for part in ("none: it cannot be read", "certificate", "ca.pem: CA: it holds no certificate"):
        assert part in words
    with pytest.raises(InputError, match="mqtts://"):
        make_login(HERE, cafile=tmp_path / "ca.pem", environment={})
    (tmp_path / "secret").write_text("hunter2\n")
    with pytest.raises(InputError, match="needs a user"):
        make_login(HERE, password_file=tmp_path / "secret", environment={})


def test_a_password_of_the_environment_without_a_user_is_not_used_and_says_so():
    login = make_login(HERE, environment={PASSWORD: "hunter2"})
    assert login.password is None
    (warning,) = login.warnings
    assert warning.warning
    assert warning.message.startswith("it is not used: a password needs a user")


def test_tls_is_1_2_or_newer_and_verifies_the_name(tmp_path: Path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours = authority.issue_cert("me.example")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    login = Login(None, None, tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem")
    for context in (login.tls(), Login().tls()):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.check_hostname
        assert context.verify_mode == ssl.CERT_REQUIRED
    assert len(login.tls().get_ca_certs()) == 1  # that one only
    assert "key.pem" not in repr(login)
    trustme.CA().issue_cert("me.example").private_key_pem.write_to_path(tmp_path / "key.pem")
    with pytest.raises(InputError, match="one pair"):
        login.tls()


def test_a_locked_key_is_refused_and_never_asked_for_at_the_terminal(tmp_path: Path):
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    ours = trustme.CA().issue_cert("me.example")
    key = load_pem_private_key(ours.private_key_pem.bytes(), None)
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"locked"))
    )
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with pytest.raises(InputError, match="locked with a password"):
        Login(None, None, None, tmp_path / "cert.pem", tmp_path / "key.pem").tls()
