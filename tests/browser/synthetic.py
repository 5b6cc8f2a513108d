"""A feed that a test holds in its hands: a made-up campus, frames by a formula, the next one when the test says so."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.live.frame import Frame, Mode, Topology, Trend

BASE_NS = 1_900_000_000_000_000_000  # 2030-03-17 17:46:40 UTC
POOLS, WORKLOADS = ("fast", "deep"), ("chat", "code", "batch")


def topology(halls: int = 4, rows: int = 8, places: int = 16, fleet: bool = True) -> Topology:
    """Halls alike, each of so many rows of so many racks."""
    names = tuple(f"{'ABCDEFGH'[h % 8]}/{h // 8 + 1}" for h in range(halls))
    each = rows * places
    hall = np.repeat(np.arange(halls), each)
    row, place = (np.tile(part, halls) for part in np.divmod(np.arange(each), places))
    racks = tuple(f"{names[h]}/R{r + 1}/{p + 1:02d}" for h, r, p in zip(hall, row, place, strict=True))
    return Topology(
        site="made-up", title="A made-up campus", halls=names, racks=racks, cdus=(), loops=(), elements=(),
        pools=POOLS if fleet else (), workloads=WORKLOADS if fleet else (), rack_hall=hall, rack_row=row,
        rack_place=place, rack_kind=("cs-3",) * len(racks), rack_rated_w=np.full(len(racks), 27e3),
        cdu_hall=np.zeros(0, np.int64),
        hall_power_bindings={-1: "contract", 0: "bus A"}, hall_cooling_bindings={0: "CDU flow", 1: "plant capacity"},
        utc_offset_s=-6 * 3600,
    )  # fmt: skip


def frame(t: Topology, sequence: int, mode: Mode = Mode.LIVE, **changes: Any) -> Frame:
    """The frame ``sequence`` of a campus that breathes slowly; a rack in 50 is not measured."""
    n, halls, phase = len(t.racks), len(t.halls), 0.05 * sequence
    at = np.arange(n)
    simulated: NDArray[np.float64] = (
        18e3 + 6e3 * np.sin(at / 37.0 + phase) * np.cos(t.rack_row / 3.0 + 0.2 * phase) + 1e3 * np.sin(at * 1.7)
    )
    measured = simulated + 200.0 * np.sin(at * 0.9 + sequence)
    measured[at % 50 == 7] = np.nan
    fleet = np.outer([1.0, 0.3] if t.pools else [0.0, 0.0], np.ones(3))
    it = float(simulated.sum())
    over: NDArray[np.float64] = np.linspace(0.06, 0.16, halls)
    hall_it = np.bincount(t.rack_hall, simulated, halls).astype(np.float64)
    code = np.mod(np.arange(halls, dtype=np.float64), 2.0)
    meter = 1.19 * it
    given = Frame(
        sequence=sequence, time_ns=BASE_NS + sequence * 1_000_000_000, mode=mode,
        simulated={
            "site_power": np.array([meter]), "site_it_power": np.array([it]), "contract_power": np.array([27e3 * n]),
            "site_cooling_power": np.array([0.13 * it]), "site_electrical_loss": np.array([0.06 * it]),
            "outdoor_dry_bulb_temperature": np.array([31.2]), "outdoor_wet_bulb_temperature": np.array([22.4]),
            "hall_it_power": hall_it, "hall_cooling_headroom": hall_it * over[::-1],
            "hall_power_headroom": hall_it * over,
            "hall_cooling_binding": code, "hall_power_binding": code - 1.0,
            "rack_power": simulated, "rack_temperature": 42.0 + simulated / 1.5e3,
            "pool_token_rate": _of(fleet, [9e5, 4e5, 2e5], 1 + 0.1 * math.sin(phase)),
            "pool_served_rate": _of(fleet, [900.0, 200.0, 10.0]),
            "pool_shed_rate": np.zeros((2, 3)),
        },
        measured={"site_power": np.array([1.004 * meter]), "rack_power": measured,
                  "outdoor_dry_bulb_temperature": np.array([31.4])},
        used={"rack_power": np.zeros(n, bool), "outdoor_dry_bulb_temperature": np.array([True])},
        age_s={"site_power": np.array([1.2]), "rack_power": np.where(np.isnan(measured), np.inf, 0.4 + (at % 7) * 0.3),
               "outdoor_dry_bulb_temperature": np.array([8.0])},
        data_age_s=0.4,
    )  # fmt: skip
    return replace(given, **changes)


def _of(fleet: NDArray[np.float64], by_class: list[float], times: float = 1.0) -> NDArray[np.float64]:
    return np.asarray(times * np.array(by_class) * fleet, np.float64)


class Scripted:
    """A feed of frames that are set from outside; with ``every_s`` it brings one by the clock on its own."""

    def __init__(self, t: Topology, make: Callable[[Topology, int], Frame] = frame) -> None:
        self.topology = t
        self._make, self._lock = make, threading.Lock()
        self._frame: Frame | None = None
        self._stop = threading.Event()

    def latest(self) -> Frame | None:
        with self._lock:
            return self._frame

    def trend(self, variable: str, item: int, last_s: float) -> Trend:
        """The formula, backwards."""
        with self._lock:
            now = self._frame
        if now is None or variable not in now.simulated:
            return Trend.empty()
        at = np.arange(max(0, now.sequence - int(min(last_s, 600))), now.sequence + 1)
        level = float(np.ravel(now.simulated[variable])[item])
        simulated = level * (1.0 + 0.03 * np.sin(at / 40.0))
        residual = 0.004 * simulated * np.sin(at / 3.0)
        early = np.zeros(len(at), np.bool_)
        return Trend(BASE_NS + at * 1_000_000_000, simulated, simulated + residual, residual, early)

    def show(self, given: Frame) -> None:
        """This is the newest frame now."""
        with self._lock:
            self._frame = given

    def run(self, every_s: float = 1.0, first: int = 600) -> None:
        """Frames by the clock until ``stop``."""

        def go() -> None:
            sequence = first
            while not self._stop.is_set():
                self.show(self._make(self.topology, sequence))
                sequence += 1
                self._stop.wait(every_s)

        threading.Thread(target=go, daemon=True).start()

    def stop(self) -> None:
        """End ``run``."""
        self._stop.set()


__all__ = ["BASE_NS", "Scripted", "frame", "topology"]
