"""Brokers that a demo, a test or a site can start: a file each, found by walking this folder.

A kind's module has ``KIND`` (its name, a line of what it is), ``LIMITS`` (what it cannot do, as data: shown to people
and tested to be so) and ``prepare(folder, **options) -> Launch``, which writes a configuration into ``folder``.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType

from telemetry.brokers.running import BrokerError, Running, TakenError
from twin.core.errors import did_you_mean, one


@cache
def kinds() -> dict[str, ModuleType]:
    """All kinds by name, sorted."""
    found = {}
    for info in pkgutil.iter_modules(__path__):
        if info.name == "guard":  # a script
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "KIND"):
            found[module.KIND.name] = module
    return dict(sorted(found.items()))


def start(kind: str, folder: Path, **options: object) -> Running:
    """Start a broker on loopback; returns when it answers. A context manager that stops it.

    ``folder`` (made where it is missing) keeps configuration, state and log. ``options`` are those of the kind's
    ``prepare``; all know ``port`` (a free one where it is not given). Raises InputError for what the caller can put
    right (an unknown kind, software that is not installed) and BrokerError where the broker does not come up.
    """
    if kind not in kinds():
        raise one(f'there is no "{kind}"; known: {", ".join(kinds())}{did_you_mean(kind, kinds())}', path="broker")
    folder.mkdir(parents=True, exist_ok=True)
    tries = 1 if options.get("port") else 3  # a port that was free may be somebody else's a moment later
    while True:
        running = Running(kind, folder.resolve(), kinds()[kind].prepare(folder.resolve(), **options))
        tries -= 1
        try:
            running.restart()
        except TakenError:
            if not tries:
                raise
        else:
            return running


__all__ = ["BrokerError", "Running", "TakenError", "kinds", "start"]
