"""Another load for the services of a site: a share of capacity, a class at a rate or from a recording, a trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from twin.core.errors import Faults, did_you_mean, one, option
from twin.forcing.stream.lines import BLOCK
from twin.forcing.traces.read import Reading, is_rate
from twin.site.inference_model import Demand, Inference
from twin.site.load import LoadedSite

MOST = 1.5
HIGHEST_RATE = 1e9


@dataclass(frozen=True)
class ServeLoad:
    """A site with another demand; ``trace``: a recording of single requests that each service replays instead."""

    loaded: LoadedSite
    trace: Path | None = None


def serve_load(loaded: LoadedSite, loads: Sequence[str]) -> ServeLoad:
    """The site with the demand that ``loads`` ask for; without any, its own.

    Each is a share 0..1.5 of what is energised (all classes, flat), ``CLASS=RATE`` in requests/s (flat), ``CLASS=FILE``
    (a trace or a rate curve in any known format, again and again), or a trace. A class that is named keeps its own
    beside a share, in whatever order they stand.

    Raises ``InputError`` with all faults: no inference load, unknown classes, files that are not there.
    """
    spec, place = loaded.site.inference, option("load=")
    if spec is None:
        raise one('the site serves nothing: it has no section "inference"', file=loaded.file)
    faults, demand, paths = Faults(), dict(spec.demand), dict(loaded.paths)
    trace: Path | None = None
    named: set[str] = set()
    for text in loads:
        name, equals, value = text.partition("=")
        if equals and name in demand:
            asked = faults.of(_class_demand, demand[name], value, place)
            if asked is not None:
                faults.of(_once, named, name, place)
                demand[name] = asked
                paths = {key: path for key, path in paths.items() if not key.startswith(f"inference.demand.{name}.")}
            if asked is not None and asked.trace is not None:
                paths[f"inference.demand.{name}.trace"] = Path(value)
            continue
        share = _number(text)
        if share is not None:
            faults.of(_in_range, share, text, place)
            if 0.0 <= share <= MOST:
                faults.of(_once, named, "", place)
            demand = {id: given if id in named else _asking(given, fill=share) for id, given in demand.items()}
        elif trace is None:
            trace = faults.of(_trace, text, spec, place)
        else:
            faults.of(_refuse, "one trace at a time, expected CLASS=FILE for others", place)
    if trace is not None and len(loads) > 1:
        faults.of(_refuse, "a trace is replayed by itself: it goes with no other load", place)
    faults.tell()
    site = loaded.site.model_copy(update={"inference": spec.model_copy(update={"demand": demand})})
    return ServeLoad(replace(loaded, site=site, paths=paths), trace)


def _asking(given: Demand, **update: object) -> Demand:
    """A flat demand of the same workload. Not validated: a load of 0 is fine here."""
    empty = {"shape": "flat", "trace": None, "starts": None, "scale": None, "repeat": False, "mean_per_s": None,
             "tasks_per_s": None, "fill": None, "bursts": False, "doubling_years": None}  # fmt: skip
    return given.model_copy(update={**empty, **update})


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _in_range(share: float, text: str, place: str) -> None:
    if not 0.0 <= share <= MOST:
        raise one(f"{text} is out of range, expected a share of what is energised, 0 to {MOST:g}", path=place)


def _once(named: set[str], name: str, place: str) -> None:
    """Note that a class (empty: a share) has its load."""
    if name in named:
        raise one(f'"{name}" is given twice' if name else "a share is given twice", path=place)
    named.add(name)


def _class_demand(given: Demand, value: str, place: str) -> Demand:
    rate = _number(value)
    if rate is not None:
        if not 0.0 <= rate <= HIGHEST_RATE:
            raise one(f"{value} is out of range, expected requests/s >= 0", path=place)
        return _asking(given, mean_per_s=rate)
    if not Path(value).is_file():
        raise one(f'"{value}" is neither a rate in requests/s nor a file', path=place)
    return _asking(given, trace=value, repeat=True)


def _trace(text: str, spec: Inference, place: str) -> Path:
    """The path of a file with single requests."""
    path = Path(text)
    try:
        there = path.is_file()
    except (OSError, ValueError):
        there = False
    if not there:
        name, equals, _ = text.partition("=")
        if equals:
            hint = did_you_mean(name, spec.demand) or f" ({', '.join(spec.demand)})"
            raise one(f'no class is called "{name}"{hint}', path=place)
        raise one(f'"{text[:200]}" is neither a share of capacity (0 to {MOST:g}), CLASS=..., nor a file', path=place)
    if is_rate(Reading(path, None, False, BLOCK)):
        raise one(f"a rate curve holds no single requests: give it to a class, as {next(iter(spec.demand))}={text}",
                  path=place)  # fmt: skip
    return path


def _refuse(message: str, place: str) -> None:
    raise one(message, path=place)


__all__ = ["ServeLoad", "serve_load"]
