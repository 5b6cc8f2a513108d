"""One step of the live twin: what is measured at an instant drives the engine, and both are laid side by side.

    view of the points -> bind -> derive -> what drives -> one step of the engine -> frame

Only what is good, finite and fresh drives (:mod:`telemetry.live.bind`), and only where :mod:`twin.engine.driven` has a
row for it; for every other item the model finds the value itself. Estimation, diagnosis and alarms belong between
:meth:`LiveTwin.look` and :meth:`LiveTwin.step`: they see all that is measured before it drives, and may refuse it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from telemetry.clock import NS
from telemetry.live.banner import Banner, doubts, tally
from telemetry.live.bind import Binder, Bindings, Measured, measure
from telemetry.live.derive import Deriver
from telemetry.live.frame import Floats, Frame, Mode, Topology
from telemetry.live.settling import Settling
from telemetry.points import Point
from telemetry.state.view import View
from twin.engine.driven import DRIVERS, Driven
from twin.engine.prepare import Prepared
from twin.engine.run import Result

NAMES = tuple(driver.name for driver in DRIVERS)
IDLE = 0.01  # of the rated power: a rack that draws more is in service


class Steps(Protocol):
    """An engine that goes step by step (:class:`twin.engine.driven.Driven`)."""

    @property
    def interval(self) -> Result | None:
        """The output interval that ended with the last step, None within one."""
        ...

    @property
    def used(self) -> Mapping[str, Floats]:
        """What drove the last step, NaN where the engine found the value itself."""
        ...

    @property
    def doubted(self) -> Mapping[str, int]:
        """How many readings the last step did not believe, by variable."""
        ...

    def step(self, inputs: Mapping[str, Floats]) -> dict[str, Floats]:
        """One step further."""
        ...

    def anew(self) -> None:
        """Go on from the steady state of the inputs of the next step."""
        ...

    def close(self) -> None:
        """No more steps."""
        ...


class LiveTwin:
    """The twin of a site over the time of its telemetry.

    ``start_ns``: when its first step begins; the model is then at ``start_ns`` + the topology's ``model_shift_s``.
    ``step_s``, ``every_s``: step of the engine and how often it asks for headroom, s. ``live``: the mode of frames that
    are not stale. ``make(start_s)`` makes an engine at an instant of the model.
    """

    def __init__(
        self, prepared: Prepared, topology: Topology, start_ns: int, step_s: float, every_s: float, *,
        live: Mode = Mode.LIVE, make: Callable[[float], Steps] | None = None,
    ) -> None:  # fmt: skip
        self.topology, self.step_s = topology, step_s
        self.bindings = Bindings({}, {})
        self.banner, self._settling = Banner(live), Settling()
        self._make = make or (lambda start_s: Driven(prepared, start_s, step_s, every_s))
        self._binder, self._deriver = Binder(prepared, topology), Deriver(prepared, topology)
        self._weather, self._points = prepared.weather, list[Point]()
        self.sequence, self.end_ns = 0, start_ns
        self._engine = self._make(start_ns / NS + topology.model_shift_s)

    def begin(self, at_ns: int) -> None:
        """Begin anew at ``at_ns``: the engine starts from the steady state of the step that follows."""
        self._engine.close()
        self._settling.begun()
        self.end_ns = at_ns
        self._engine = self._make(at_ns / NS + self.topology.model_shift_s)

    @property
    def interval(self) -> Result | None:
        """What the engine has found over the output interval that ended with the last step; None within one."""
        return self._engine.interval

    def close(self) -> None:
        """No more steps."""
        self._engine.close()

    def look(self, view: View, points: Sequence[Point]) -> Measured:
        """What is measured at the instant of ``view``; ``points`` by their numbers, as many as it has rows or fewer."""
        if points != self._points:  # the same objects compare at once
            self._points = list(points)
            self.bindings = self._binder.bind(self._points)
        found = measure(view, self.bindings)
        model_s = view.now_ns / NS + self.topology.model_shift_s
        pressure_pa = float(self._weather.sample([model_s], [self.step_s]).pressure_pa[0])
        self._deriver.derive(found, pressure_pa, model_s)
        return found

    def step(self, measured: Measured, data_age_s: float = math.inf, *, speed: float = 1.0, note: str = "") -> Frame:
        """One step further, driven by what is measured.

        The engine goes on from the steady state of it where :mod:`telemetry.live.settling` says so.
        """
        self.end_ns += round(self.step_s * NS)
        inputs = {name: measured.values[name] for name in NAMES if name in measured.values}
        counts = tally(NAMES, measured)
        if self._settling.look(counts, self.end_ns, stale=self.banner.mode is Mode.STALE):
            self._engine.anew()
        # The engine goes on in arrays of its own, and a frame is never changed.
        simulated = {name: values.copy() for name, values in self._engine.step(inputs).items()}
        mode = self.banner.look(counts, self._engine.doubted)
        # What the engine did not believe, or could not go by, is compared.
        used = {name: np.isfinite(values) for name, values in self._engine.used.items()}
        self.sequence += 1
        given = {name: int(np.isfinite(values).sum()) for name, values in inputs.items()}
        words = (
            note, self._dark(measured, simulated), self.banner.words(), self._settling.words(),
            doubts(given, self._engine.doubted), self.bindings.words(),
        )  # fmt: skip
        return Frame(
            self.sequence, self.end_ns, mode, simulated,
            {name: values for name, values in measured.values.items() if name in simulated},
            used | self._deriver.used(used, measured),
            {name: ages for name, ages in measured.ages.items() if name in simulated},
            data_age_s, speed, "; ".join(filter(None, words)), self._settling.early,
        )  # fmt: skip

    def _dark(self, measured: Measured, simulated: Mapping[str, Floats]) -> str:
        """Racks that draw power in halls that have none at the date of the model, as words; "" for none."""
        power, share, top = measured.values.get("rack_power"), simulated.get("hall_energised_share"), self.topology
        if power is None or share is None:
            return ""
        count = int(((power > IDLE * top.rack_rated_w) & (share[top.rack_hall] <= 0.0)).sum())
        whose = "rack draws" if count == 1 else "racks draw"
        return (
            f"{count:,} {whose} power in halls that the site has not energised on this date: see --at" if count else ""
        )


def newest_age_s(view: View) -> float:
    """Age of the newest reading of all, s; inf without any."""
    return max(0.0, float(view.age_s.min(initial=math.inf)))


__all__ = ["LiveTwin", "newest_age_s"]
