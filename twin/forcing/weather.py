"""Outdoor air for any period: a typical year, a design day or a measured series, as means over steps.

Conventions. A reading is the value at the end of its hour, in local standard time (never daylight saving
time); between readings the air changes linearly. A *typical* year is laid on any period by local month, day
and hour: 29 February repeats the 28th, and the year's end runs on into its beginning. A *measured* series
keeps its dates and must cover the period; its first hour takes the first reading throughout. Wet bulb and
humidity ratio are computed for the readings and are linear between them as well.

Files: ``.epw`` (EnergyPlus), ``.csv`` (NREL TMY3 or the shipped format), or the name of a shipped year.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.cooling.moist_air import humidity_ratio_array, wet_bulb_array
from twin.core.errors import did_you_mean, one
from twin.forcing.epw import read_epw
from twin.forcing.hourly import HourlyTable, Station
from twin.forcing.pack import MAGIC, unpack
from twin.forcing.step_mean import step_means
from twin.forcing.tmy3 import read_tmy3

Floats = NDArray[np.float64]
HOUR_S = 3600
HOURS_A_DAY = 24
TYPICAL_HOURS = 8760
LEAP_DAY = 59
SHIPPED_SUFFIX = ".csv"


@dataclass(frozen=True, slots=True)
class WeatherSteps:
    """Outdoor air as means over n steps, arrays ``(n,)``: degC, degC, Pa, kg water per kg dry air."""

    dry_bulb_c: Floats
    wet_bulb_c: Floats
    pressure_pa: Floats
    humidity_ratio: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """Hourly outdoor air at one place; all arrays ``(n,)`` and read-only.

    A typical year has n = 8760, a design day n = 24 (it repeats every day); ``times_utc_s`` (seconds since
    1970 at the end of each hour) is None for both. ``filled_hours`` counts the hours with an interpolated
    reading. Latitude and longitude in degrees north and east, ``utc_offset_h`` hours ahead of UTC,
    ``relative_humidity`` 0..1.
    """

    name: str
    station: str
    source: str
    licence: str
    latitude: float
    longitude: float
    elevation_m: float
    utc_offset_h: float
    file: str | None
    measured: bool
    filled_hours: int
    times_utc_s: NDArray[np.int64] | None
    dry_bulb_c: Floats
    dew_point_c: Floats
    relative_humidity: Floats
    pressure_pa: Floats
    wet_bulb_c: Floats
    humidity_ratio: Floats

    def sample(self, t_utc_s: ArrayLike, dt_s: ArrayLike) -> WeatherSteps:
        """Means over steps that end at ``t_utc_s`` (n, s since 1970, UTC) and last ``dt_s`` (n or one, s).

        Raises :class:`InputError` when a measured series does not cover the steps, ``ValueError`` for times
        that are not finite and for negative lengths.
        """
        end = np.atleast_1d(np.asarray(t_utc_s, dtype=np.float64)) + self.utc_offset_h * HOUR_S
        length = np.broadcast_to(np.asarray(dt_s, dtype=np.float64), end.shape)
        if not (np.isfinite(end).all() and np.isfinite(length).all() and (length >= 0.0).all()):
            raise ValueError("t_utc_s and dt_s must be finite and dt_s not negative")
        if end.size == 0:
            return WeatherSteps(*(np.empty(0) for _ in fields(WeatherSteps)))
        start = end - length
        first = int(np.floor(start.min() / HOUR_S))
        last = int(np.floor(end.max() / HOUR_S)) + 1
        index = self._reading(first, last, float(start.min()), float(end.max()))
        signals = (self.dry_bulb_c, self.wet_bulb_c, self.pressure_pa, self.humidity_ratio)
        return WeatherSteps(*(step_means(signal[index], first, start, end) for signal in signals))

    def _reading(self, first: int, last: int, start_s: float, end_s: float) -> NDArray[np.int64]:
        """Index of the reading at each whole hour ``first``..``last`` since 1970, local standard time."""
        hours = np.arange(first, last + 1, dtype=np.int64)
        if self.times_utc_s is None:
            # The reading at 24:00 belongs to the day that ends.
            day, hour = np.divmod(hours - 1, HOURS_A_DAY)
            if self.dry_bulb_c.size == HOURS_A_DAY:
                return hour
            return day_of_typical_year(day) * HOURS_A_DAY + hour
        first_reading = int(self.times_utc_s[0] + round(self.utc_offset_h * HOUR_S)) // HOUR_S
        begin_s = (first_reading - 1) * HOUR_S
        finish_s = begin_s + self.dry_bulb_c.size * HOUR_S
        if start_s < begin_s or end_s > finish_s:
            has = _period(begin_s, finish_s, self.utc_offset_h)
            needs = _period(start_s, end_s, self.utc_offset_h)
            raise one(
                f"the measured weather covers {has}, but {needs} is asked for; choose a period inside it, "
                "or use it as a typical year (measured: false)",
                path=f"weather {self.name}",
                file=self.file,
            )
        return np.clip(hours - first_reading, 0, self.dry_bulb_c.size - 1)


def day_of_typical_year(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Day 0..364 of a year without leap day for ``day`` (n, days since 1970); 29 February has the 28th's."""
    date = day.astype("datetime64[D]")
    year = date.astype("datetime64[Y]")
    day_of_year = (date - year.astype("datetime64[D]")).astype(np.int64)
    days = ((year + 1).astype("datetime64[D]") - year.astype("datetime64[D]")).astype(np.int64)
    return np.asarray(day_of_year - ((days == 366) & (day_of_year >= LEAP_DAY)), dtype=np.int64)


def _period(start_s: float, end_s: float, utc_offset_h: float) -> str:
    """``start..end`` in UTC, both given in local seconds since 1970."""
    moments = (np.datetime64(int(s - utc_offset_h * HOUR_S), "s") for s in (start_s, end_s))
    return "..".join(f"{moment}Z" for moment in moments)


def make_weather(table: HourlyTable) -> Weather:
    """The :class:`Weather` of a checked hourly table: adds times, wet bulb and humidity ratio."""
    dry, dew, humidity, pressure = (np.ascontiguousarray(row) for row in table.values)
    times = None
    if table.measured:
        offset = round(table.station.utc_offset_h * HOUR_S)
        times = (table.first_hour + np.arange(dry.size, dtype=np.int64)) * HOUR_S - offset
        times.setflags(write=False)
    wet = wet_bulb_array(dry, humidity, pressure)
    ratio = humidity_ratio_array(dry, humidity, pressure)
    for column in (dry, dew, humidity, pressure, wet, ratio):
        column.setflags(write=False)
    about = {item.name: getattr(table.station, item.name) for item in fields(Station)}
    return Weather(
        **about,
        measured=table.measured,
        filled_hours=table.filled_hours,
        times_utc_s=times,
        dry_bulb_c=dry,
        dew_point_c=dew,
        relative_humidity=humidity,
        pressure_pa=pressure,
        wet_bulb_c=wet,
        humidity_ratio=ratio,
    )


def shipped_weather() -> list[str]:
    """Names of the shipped typical years, sorted."""
    names = [item.name for item in (files("sites") / "weather").iterdir()]
    return sorted(name.removesuffix(SHIPPED_SUFFIX) for name in names if name.endswith(SHIPPED_SUFFIX))


def load_weather(name_or_path: str | Path, *, base: Path | None = None, measured: bool | None = None) -> Weather:
    """Load a shipped year by name, or a file by path (relative to ``base`` where given).

    ``measured`` overrides what an EPW looks like; TMY3 files are typical unless it is true, shipped years
    always are. Raises :class:`InputError` for an unknown name, a missing file, or a faulty one (all its
    faults at once).
    """
    return make_weather(read_weather(name_or_path, base=base, measured=measured))


def coldest_dry_bulb(name_or_path: str | Path) -> float:
    """Lowest reading of the dry bulb in degC; nothing else is computed. Raises as :func:`load_weather`."""
    return float(read_weather(name_or_path).values[0].min())


def read_weather(name_or_path: str | Path, *, base: Path | None = None, measured: bool | None = None) -> HourlyTable:
    """The checked table of :func:`load_weather`: all that can be wrong with it is told before a kernel is needed."""
    text = str(name_or_path)
    if text in shipped_weather():
        file = files("sites") / "weather" / f"{text}{SHIPPED_SUFFIX}"
        return unpack(file.read_bytes(), f"{text}{SHIPPED_SUFFIX}")
    path = Path(name_or_path) if base is None else base / name_or_path
    suffix = path.suffix.lower()
    if suffix not in (".epw", ".csv"):
        names = shipped_weather()
        hint = did_you_mean(text, names)
        raise one(f'unknown weather "{text}"{hint}; shipped: {", ".join(names)}; or an .epw or .csv file')
    if not path.is_file():
        raise one("no such weather file", file=str(path))
    if suffix == ".epw":
        return read_epw(path, measured=measured)
    with path.open("rb") as stream:
        packed = stream.readline().strip() == MAGIC.encode()
    return unpack(path.read_bytes(), str(path)) if packed else read_tmy3(path, measured=measured)
