"""Which broker, and who we are to it: addresses without secrets, and secrets that no message shows.

An address is ``mqtt://host[:port]`` or ``mqtts://host[:port]`` (TLS), or ``host[:port]`` alone; ports are 1883 and 8883
where none is given (IANA). It never holds a password: that comes from the environment or from a file, so that it stands
in no shell history, process list, log or recording.

TLS is 1.2 or newer, and the name in the broker's certificate is always verified.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from twin.core.errors import Faults, InputError, Problem, did_you_mean, one, option

PORTS = {"mqtt": 1883, "mqtts": 8883}
PASSWORD = "HALLTWIN_MQTT_PASSWORD"
HOW = f"leave it out and set {PASSWORD}, or write it into a file and name that with --password-file"
LONGEST_PASSWORD = 65_535  # bytes: MQTT counts them in two


@dataclass(frozen=True)
class Address:
    """A broker: ``host`` (a name, or a literal without brackets), ``port``, and whether it is spoken to by ``tls``."""

    host: str
    port: int
    tls: bool = False

    @property
    def loopback(self) -> bool:
        """Whether this is the machine itself: a literal loopback address or ``localhost``; no other name counts."""
        if self.host.lower() == "localhost":
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_address(text: str, place: str = "BROKER") -> Address:
    """The broker that ``text`` names. Raises ``InputError`` with all faults; none repeats what may be secret."""
    bare = text.strip()
    if _is_ipv6(bare):
        bare = f"[{bare}]"
    try:
        parts = urlsplit(bare if "://" in bare else f"mqtt://{bare}")
        host, port = parts.hostname or "", _port(parts, place)
    except ValueError:  # urlsplit's text would repeat the address, which may hold a password
        raise one("this is no address, expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT]", path=place) from None
    problems = [Problem(place, words) for words in _wrong(parts, host)]
    problems += port.problems if isinstance(port, InputError) else []
    if problems or isinstance(port, InputError):
        raise InputError(problems)
    return Address(host, port, parts.scheme == "mqtts")


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def _port(parts: SplitResult, place: str) -> int | InputError:
    behind = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    if not behind:
        return PORTS.get(parts.scheme, 1883)
    if not (behind.isascii() and behind.isdigit() and 1 <= int(behind[:6]) <= 65_535):
        return one("the port is no whole number from 1 to 65535", path=place)
    return int(behind)


def _wrong(parts: SplitResult, host: str) -> list[str]:
    """What an address must not be, in words that hold nothing of its secret parts."""
    words = []
    if parts.scheme not in PORTS:
        near = did_you_mean(parts.scheme, PORTS)
        words.append(f'"{parts.scheme}" is not spoken, expected mqtt:// or mqtts:// (MQTT over TCP or TLS){near}')
    if parts.password is not None:
        words.append(f"a password in an address is seen by others: {HOW}")
    if parts.username is not None:
        words.append("a user in an address is not read: leave it out and give --user NAME")
    if parts.query:
        words.append(f"nothing is read behind '?'; if it is a password or a token, {HOW}")
    if parts.path not in {"", "/"} or parts.fragment:
        words.append("nothing is read behind HOST:PORT; topics are given with --topic")
    if not host or not _is_name(host):
        words.append("there is no host in it, expected mqtt://HOST[:PORT]")
    return words


def _is_name(host: str) -> bool:
    """Whether the system can look ``host`` up."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return not any(c.isspace() or not c.isprintable() for c in host)


@dataclass(frozen=True)
class Login:
    """Who we are to a broker; :func:`make_login` checks all of it. Its ``repr`` shows no secret."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = field(default=None, repr=False)
    warnings: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def named(self) -> bool:
        """Whether the broker is told who we are, by name or by certificate."""
        return self.user is not None or self.certfile is not None

    def tls(self) -> ssl.SSLContext:
        """What a TLS connection is made with: version 1.2 or newer, host name verified, our certificate if any.

        Raises ``InputError`` that names each file which cannot be used.
        """
        faults = Faults()
        context = ssl.create_default_context()
        if self.cafile is not None:  # these only: whoever names a CA does not mean all others as well
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            faults.of(_load_ca, context, self.cafile)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certfile is not None:
            faults.of(_load_own, context, self.certfile, self.keyfile)
        faults.tell()
        return context


ANONYMOUS = Login()


def make_login(
    address: Address,
    user: str | None = None,
    password_file: Path | None = None,
    cafile: Path | None = None,
    certfile: Path | None = None,
    keyfile: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Login:
    """Check and gather a login for ``address``; the password file goes before the environment.

    Raises ``InputError`` with all faults at once. What is allowed and unwise is in ``warnings`` of the result: a
    password file that everybody may read, a password that travels in clear.
    """
    faults, warnings = Faults(), list[Problem]()
    password = environment.get(PASSWORD) or None
    if password_file is not None:
        password = faults.of(_read_password, password_file, warnings)
    if password is not None and not 0 < len(password.encode("utf-8", "ignore")) <= LONGEST_PASSWORD:
        faults.problems.append(Problem("password", f"it is longer than {LONGEST_PASSWORD} bytes, or no UTF-8 text"))
    if password is not None and user is None:
        words = f"a password needs a user: give {option('user=')} as well"
        if password_file is not None:
            faults.problems.append(Problem(option("password_file="), words))
        else:
            warnings.append(Problem(PASSWORD, f"it is not used: {words}", warning=True))
            password = None
    if keyfile is not None and certfile is None:
        faults.problems.append(Problem(option("key="), f"a key needs a certificate: give {option('cert=')} as well"))
    given = [n for n, f in (("cafile=", cafile), ("cert=", certfile), ("key=", keyfile)) if f is not None]
    if given and not address.tls:
        named = ", ".join(map(option, given))
        faults.problems.append(Problem(named, "goes with TLS: write the address as mqtts://HOST[:PORT]"))
    if password is not None and not address.tls and not address.loopback:
        words = "the password travels in clear: use mqtts:// where the broker can"
        warnings.append(Problem("BROKER", words, warning=True))
    login = Login(user, password, cafile, certfile, keyfile, tuple(warnings))
    if address.tls:
        faults.of(login.tls)
    faults.tell()
    return login


def _read_password(path: Path, warnings: list[Problem]) -> str:
    """The first line of ``path``; its end is no part of it."""
    try:
        with path.open(encoding="utf-8", errors="strict") as file:
            mode = os.fstat(file.fileno()).st_mode
            line = file.readline(LONGEST_PASSWORD + 2).rstrip("\r\n")
    except UnicodeDecodeError:
        raise one("it is not UTF-8 text", file=str(path)) from None
    except OSError as error:
        raise one(f"it cannot be read: {error.strerror}", file=str(path)) from None
    if not line:
        raise one("its first line is empty, expected the password there", file=str(path))
    if mode & (stat.S_IROTH | stat.S_IRGRP):
        words = f"others may read it (mode {stat.S_IMODE(mode):03o}): chmod 600"
        warnings.append(Problem("", words, str(path), warning=True))
    return line


def _load_ca(context: ssl.SSLContext, cafile: Path) -> None:
    try:
        context.load_verify_locations(cafile)
    except ssl.SSLError:
        raise one("it holds no certificate that can be used, expected PEM", path="CA", file=str(cafile)) from None
    except OSError as error:
        raise one(f"it cannot be read: {error.strerror}", path="CA", file=str(cafile)) from None


def _load_own(context: ssl.SSLContext, certfile: Path, keyfile: Path | None) -> None:
    def locked() -> str:
        raise one("the key is locked with a password, which is not supported", file=str(keyfile or certfile))

    for path in filter(None, (certfile, keyfile)):
        if not os.access(path, os.R_OK):
            raise one("it cannot be read", path="certificate and key", file=str(path))
    try:
        context.load_cert_chain(certfile, keyfile, locked)
    except (ssl.SSLError, OSError):
        words = "certificate and key cannot be used together, expected PEM of one pair"
        raise one(words, file=str(certfile)) from None
