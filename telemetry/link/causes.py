"""Why there is no connection, in words for people, which of these causes stay whatever one does, and the counts.

Names of refusals are those of MQTT 5 (OASIS, section 3.2.2.2), to which paho translates the codes of 3.1.1.
"""

from __future__ import annotations

import random
import ssl

PAUSE_S = (0.5, 30.0)
STEADY_S = 30.0  # a connection that lasted so long was a good one
SHORT_LIVES = 3  # connections that did not, before a second client of our id is suspected
HEALS = frozenset(
    {"Server unavailable", "Server busy", "Connection rate exceeded", "Quota exceeded", "Unspecified error"}
)
REFUSALS = {
    "Bad user name or password": "the broker refuses the user name or the password",
    "Not authorized": "the broker refuses us: not authorised (is a user, a password or a certificate missing?)",
    "Client identifier not valid": "the broker refuses the client id",
    "Unsupported protocol version": "the broker does not speak this version of MQTT",
}
PASSING = (ssl.SSLEOFError, ssl.SSLZeroReturnError)  # of TLS, as a broker that is being stopped leaves them


class Counters:
    """What happened on a link since it was made."""

    def __init__(self) -> None:
        self.connects = self.losses = self.failures = self.faults = 0
        self.takeovers = self.oversize = self.stale = self.refused_filters = 0
        self.bytes_in = self.reads = 0


class Lives:
    """How long to wait before the next attempt, from how the connections before ended."""

    def __init__(self, pause_s: tuple[float, float] = PAUSE_S) -> None:
        self._pause_s = pause_s
        self._tries = self._short = 0

    def ended(self, lived_s: float, why: str) -> str:
        """A connection that stood is over; what is suspected, "" if nothing: that another client takes our session."""
        if "taken over" in why.lower():  # MQTT 5 says so
            return "another client uses"
        if lived_s >= STEADY_S:
            self._tries = self._short = 0
            return ""
        self._short += 1
        return "another client seems to use" if self._short == SHORT_LIVES else ""

    def pause(self) -> float:
        """Seconds to wait, with jitter; longer each time."""
        least, most = self._pause_s
        self._tries += 1
        return min(most, least * 2.0 ** min(self._tries - 1, 16)) * random.uniform(0.75, 1.25)


def refusal(name: str) -> str:
    """The broker's reason in words that help."""
    return REFUSALS.get(name, f"the broker says: {name.lower()}")


def cause(error: OSError, stood: bool = True) -> str:
    """What the system says, without its number; who is cut off before a first word is asked for the usual reason."""
    words = (error.strerror or str(error) or type(error).__name__).lower()
    cut_off = not stood and isinstance(error, ConnectionResetError)
    return words + (" (does one end speak TLS, mqtts://, and the other not?)" if cut_off else "")


def lasting(error: OSError) -> str:
    """Why TLS will not come about by trying again; "" for an error that may pass."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and not isinstance(error, PASSING):
        return f"TLS does not come about: {(error.reason or 'no reason given').replace('_', ' ').lower()}"
    return ""
