"""Reads a scenario file as strictly as a site file, and fits it to a site: faults, and shifts of the weather.

Whatever is wrong is told at once, each at ``file:line:col``: the form of the file, and on the site at hand unknown
elements and modes, amounts out of range, faults of what has no power yet.

Smoke: halls run on recirculated air and water-side economisers see no outdoor air, so operators lose what ash takes
from the coils of dry and adiabatic coolers; wet towers wash themselves. It is a fault of every such bank (fouling).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path as File
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from twin.core.errors import Faults as Problems
from twin.core.errors import InputError, Problem, did_you_mean, one
from twin.core.units import HOUR
from twin.engine.faults import Fault, Place, has_power, named, powered_from
from twin.engine.period import instant, lasting, seconds, stamp
from twin.engine.scenario_model import WORDS, FaultItem, Scenario, WeatherItem
from twin.forcing.shifted import Shift, shifted
from twin.forcing.weather import Weather
from twin.site.document import Document, Path, read
from twin.site.explain import explain
from twin.site.load import LoadedSite
from twin.site.plan import Plan
from twin.site.rated import rejection_of
from twin.site.shipped import named_source, shipped

FOLDER = "scenarios"
# No time at all, in some unit: what is no length of time elsewhere.
NOTHING = re.compile(r"0+(?:\.0*)?\s*([a-z]*)")
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Written:
    """A scenario as far as it is valid, and where each of its values stands.

    ``faults`` and ``weather`` are the valid items with their places in the file; ``problems`` is all that is wrong with
    its form. Whoever uses it tells them together with what does not fit the site.
    """

    title: str
    source: str
    note: str
    at: str | float | None  # s since 1970 UTC, warmest, coldest, or None: it does not say
    lasting_s: float | None
    faults: tuple[tuple[int, FaultItem], ...]
    weather: tuple[tuple[int, WeatherItem], ...]
    document: Document
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return File(self.document.file).stem


def shipped_scenarios() -> list[str]:
    """Names of the shipped scenarios, sorted."""
    return list(shipped(".yaml", FOLDER))


def load_scenario(name_or_path: str | File) -> Written:
    """A shipped scenario by name or a file by path; faults of its form are in the result.

    Raises ``InputError`` where there is no such file, and where it is no YAML.
    """
    document, problems = read(*named_source(name_or_path, FOLDER, "scenario")), Problems()
    problems.problems += document.faults
    try:
        Scenario.model_validate(document.data)
    except ValidationError as error:
        # What could not be read is not of the wrong kind too.
        lost = {".".join(map(str, path)) for path in document.lost}
        problems.problems += [p for p in explain(error, Scenario, document) if p.path not in lost]
    texts = {key: v if isinstance(v := document.at((key,)), str) else "" for key in ("title", "source", "note")}
    at, lasting_text = document.at(("at",)), document.at(("lasting",))
    begin = problems.of(_begin, document, at) if isinstance(at, str) else None
    followed = None
    if isinstance(lasting_text, str):
        followed = problems.of(_placed, document, ("lasting",), seconds, lasting_text, "lasting")
    told = sorted(dict.fromkeys(problems.problems), key=lambda p: (p.line or 0, p.col or 0))
    return Written(
        **texts, at=begin, lasting_s=followed, faults=_valid(document, "faults", FaultItem),
        weather=_valid(document, "weather", WeatherItem), document=document, problems=tuple(told),
    )  # fmt: skip


def _valid(document: Document, key: str, model: type[M]) -> tuple[tuple[int, M], ...]:
    """The items of a list that are valid, with their places."""
    found, items = list[tuple[int, M]](), document.at((key,))
    for n, item in enumerate(items if isinstance(items, list) else ()):
        try:
            found.append((n, model.model_validate(item)))
        except ValidationError:
            continue  # it has been told
    return tuple(found)


def _begin(document: Document, at: str) -> str | float:
    """The scenario's own instant: s since 1970 UTC, or a word of ``WORDS``."""
    if at in WORDS:
        return at
    try:
        return instant(at, "at")
    except InputError as error:
        hint = did_you_mean(at, WORDS)
        words = f"{error.problems[0].message}, or {' or '.join(WORDS)}{hint}"
        raise InputError([document.problem(("at",), words)]) from None


def _placed(document: Document, path: Path, check: Callable[..., T], *args: Any) -> T:
    """What ``check`` returns; its problems are placed in the file."""
    try:
        return check(*args)
    except InputError as error:
        raise InputError([document.problem(path, p.message) for p in error.problems]) from None


def _moment(document: Document, path: Path, text: str, begin: float) -> float:
    """An instant, or a length of time from ``begin`` on (negative: before), s since 1970 UTC."""
    sign, length = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    nothing = NOTHING.fullmatch(length.strip())
    try:
        return begin if nothing and seconds(f"1 {nothing[1]}", "") else begin + sign * seconds(length, "")
    except InputError:
        pass
    try:
        return instant(text, "")
    except InputError:
        words = f'"{text}" is no time, expected a length of time as 10min, or an instant as 2028-07-01T06:00'
        raise InputError([document.problem(path, words)]) from None


@dataclass(frozen=True)
class Fitted:
    """A scenario on a site."""

    faults: tuple[Fault, ...]
    shifts: tuple[Shift, ...]


def fit(
    written: Written, begin: float, lasting_s: float, loaded: LoadedSite, plan: Plan, known: Mapping[str, Place]
) -> Fitted:
    """The faults and shifts of a scenario that happens at ``begin`` (s since 1970 UTC) and is followed so long.

    Raises ``InputError`` with everything that does not fit, each at its place in the file.
    """
    problems, faults, shifts = Problems(), list[Fault](), list[Shift]()
    document = written.document
    for n, item in written.faults:
        faults += problems.of(_faults, document, ("faults", n), item, (begin, lasting_s), plan, known) or []
    for n, change in written.weather:
        span = problems.of(_span, document, ("weather", n), change, begin)
        if span is None:
            continue
        if change.change == "smoke":
            faults += _smoke(change, span, loaded, plan, known)
            continue
        shift = Shift((change.dry_bulb_k or 0.0) * (-1.0 if change.change == "freeze" else 1.0), *span)
        if any(shift.from_s < other.to_s and other.from_s < shift.to_s for other in shifts):
            problems.problems.append(document.problem(("weather", n), "overlaps another change of the weather"))
        shifts.append(shift)
    problems.tell()
    return Fitted(tuple(faults), tuple(shifts))


def hour_of(word: str, air: Weather, first: float, last: float) -> float:
    """End of the warmest (wet bulb) or coldest (dry bulb) hour from ``first`` to ``last``, s since 1970 UTC."""
    hours = np.arange(first + HOUR, last + 1.0, HOUR)
    if not len(hours):
        return last
    steps = air.sample(hours, HOUR)
    return float(hours[int(np.argmin(steps.dry_bulb_c) if word == "coldest" else np.argmax(steps.wet_bulb_c))])


def in_scenario(air: Weather, written: Written, first: float, last: float) -> Weather:
    """The weather of a run from ``first`` to ``last`` with the warmer or colder days of a scenario.

    Where the scenario does not say when it happens, it is the warmest hour of the run. Raises ``InputError`` with all
    that is wrong with its form, and where it changes no temperature.
    """
    problems = Problems()
    problems.problems += written.problems
    problems.tell()
    begin = written.at if isinstance(written.at, float) else hour_of(written.at or "warmest", air, first, last)
    shifts = shifts_of(written, begin)
    if not shifts:
        words = "it makes no day warmer or colder: its faults and smoke are followed by twin fail"
        raise InputError([written.document.problem(("weather",), words)])
    return shifted(air, shifts)


def shifts_of(written: Written, begin: float) -> tuple[Shift, ...]:
    """Only what the scenario does to the temperature outdoors."""
    made = []
    for n, change in written.weather:
        if change.change != "smoke":
            sign = -1.0 if change.change == "freeze" else 1.0
            made.append(
                Shift(sign * (change.dry_bulb_k or 0.0), *_span(written.document, ("weather", n), change, begin))
            )
    return tuple(made)


def _span(document: Document, path: Path, item: WeatherItem, begin: float) -> tuple[float, float]:
    first = -inf if item.begins is None else _moment(document, (*path, "from"), item.begins, begin)
    last = inf if item.ends is None else _moment(document, (*path, "to"), item.ends, begin)
    if not first < last:
        raise InputError([document.problem((*path, "to"), "it ends before it begins")])
    return first, last


def _smoke(
    item: WeatherItem, span: tuple[float, float], loaded: LoadedSite, plan: Plan, known: Mapping[str, Place]
) -> list[Fault]:
    """Fouling of every bank of dry coils that has power by then."""
    found = []
    for name, place in known.items():
        if place.role != "rejection":
            continue
        building, _, loop = plan.labels.loop[place.row].partition("/")
        device = loaded.site.buildings[building].loops[loop].plant.rejection.device
        first = max(span[0], powered_from(plan, place))
        if not rejection_of(device, loaded.library).WET and first < span[1]:
            found.append(Fault(name, "fouling", first, span[1], item.coil_fouling))
    return found


def _faults(
    document: Document,
    path: Path,
    item: FaultItem,
    followed: tuple[float, float],
    plan: Plan,
    known: Mapping[str, Place],
) -> list[Fault]:
    begin, lasting_s = followed
    at = _moment(document, (*path, "at"), item.at, begin)
    if not begin <= at < begin + lasting_s:
        words = f"it breaks at {stamp(at)}, outside the {lasting(lasting_s)} from {stamp(begin)} on that are followed"
        raise InputError([document.problem((*path, "at"), words)])
    until = inf
    if item.until is not None:
        until = _moment(document, (*path, "until"), item.until, begin)
    elif item.repair is not None:
        until = at + _placed(document, (*path, "repair"), seconds, item.repair, "repair")
    if not at < until:
        raise InputError([document.problem((*path, "until"), "it is mended before it breaks")])
    try:
        names = [item.element] if item.element is not None else _of_role(item, at, plan, known)
        made = [named(name, item.mode, item.amount, at, until, dict(known)) for name in names]
    except InputError as error:
        raise InputError([document.problem((*path, p.path), p.message) for p in error.problems]) from None
    for fault in made:
        place = (*path, "at" if "at" in document.at(path) else "element")
        _placed(document, place, has_power, plan, fault, known, "")
    return made


def _of_role(item: FaultItem, at: float, plan: Plan, known: Mapping[str, Place]) -> list[str]:
    """The first elements of a role that have power at ``at``."""
    alike = [name for name, place in known.items() if place.role == item.role]
    found = [name for name in alike if powered_from(plan, known[name]) <= at]
    if not found:
        first = min((powered_from(plan, known[name]) for name in alike), default=None)
        others = ", ".join(dict.fromkeys(place.role for place in known.values()))
        words = (
            f"no {item.role} has power by then" if first is not None else f"the site has no {item.role}, but {others}"
        )
        raise one(words, path="role")
    return found if item.count == "all" else found[: item.count]


__all__ = [
    "Fitted", "Written", "fit", "hour_of", "in_scenario", "load_scenario", "shifts_of", "shipped_scenarios",
]  # fmt: skip
