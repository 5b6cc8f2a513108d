"""A run from a site to its store: blocks, each recorded as it ends, with a checkpoint after it.

This path imports no xarray: the first step must not wait for it. ``twin.analysis.dataset`` opens what it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from zarr.storage import LocalStore, MemoryStore

from twin.core.errors import Faults, InputError, StoppedError, option
from twin.engine import checkpoint
from twin.engine.identity import run_digest
from twin.engine.lock import only_writer
from twin.engine.options import Asked, Inputs, ask
from twin.engine.prepare import Prepared, prepare, read_in
from twin.engine.record import Recorder, create, largest_bytes
from twin.engine.run import Engine
from twin.engine.stop import stop_request
from twin.engine.target import building, check_out, decide, mark_complete, room_for, sweep, telling
from twin.site.load import LoadedSite

Progress = Callable[[int, int], None]
Note = Callable[[str], None]


@dataclass(frozen=True)
class RunHandle:
    """A finished run: its folder, or its store in memory; ``first_block`` is where this call began to compute."""

    prepared: Prepared
    path: Path | None
    store: LocalStore | MemoryStore
    first_block: int


def simulate(
    site: str | Path | LoadedSite,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    note: Note | None = None,
    **inputs: Unpack[Inputs],
) -> RunHandle:
    """Simulate a site (``inputs`` as :func:`prepare`) into the folder ``out``, or into memory without one.

    ``resume`` continues an unfinished run of the same inputs (and begins one where there is none); ``overwrite``
    replaces a run, never anything else. ``progress(done, blocks)`` is called before the first block and after each;
    ``note(text)`` tells what a person should know. With ``out``, SIGINT and SIGTERM end the run after the present
    block.

    Raises ``InputError`` for bad input and a disk that is full, ``StoppedError`` after a signal.
    """
    folder, faults = None if out is None else Path(out), Faults()
    asked = faults.of(ask, site, **inputs)
    faults.of(check_out, folder, resume=resume, overwrite=overwrite)
    faults.tell()
    assert asked is not None
    return run(asked, folder, resume=resume, overwrite=overwrite, progress=progress, note=note)


def run(
    asked: Asked,
    folder: Path | None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    note: Note | None = None,
) -> RunHandle:
    """Simulate what :func:`twin.engine.options.ask` and :func:`twin.engine.target.check_out` have let pass."""
    prepared = read_in(asked)
    progress, note = progress or (lambda done, blocks: None), note or (lambda text: None)
    if folder is None:
        return _in_memory(prepared, progress)
    with ExitStack() as stack:
        with telling(folder):
            stack.enter_context(only_writer(folder))
        return _in_folder(prepared, folder, progress, note, resume=resume, overwrite=overwrite)


def _in_memory(prepared: Prepared, progress: Progress) -> RunHandle:
    store, timeline = MemoryStore(), prepared.timeline
    create(store, prepared)
    recorder = Recorder(store, prepared)
    progress(0, timeline.blocks)
    for result in prepared.engine().blocks():
        recorder.write(result)
        progress(result.block.index + 1, timeline.blocks)
    return RunHandle(prepared, None, store, 0)


def _in_folder(
    prepared: Prepared, folder: Path, progress: Progress, note: Note, *, resume: bool, overwrite: bool
) -> RunHandle:
    timeline, digest = prepared.timeline, run_digest(prepared.attrs)
    action = decide(folder, prepared.attrs, resume=resume, overwrite=overwrite)
    if action == "done":
        with telling(folder):
            mark_complete(folder)
        return RunHandle(prepared, folder, LocalStore(folder), timeline.blocks)
    engine, first = prepared.engine(), 0
    if action == "resume":
        first = checkpoint.load(folder, digest, engine.state)
        where = f"resuming at block {first + 1} of {timeline.blocks}"
        note(where if first < timeline.blocks else "all blocks are recorded: finishing the run")
        with telling(folder):
            sweep(folder)
    warning = room_for(folder, largest_bytes(prepared, first))
    if warning:
        note(f"warning: {folder}: {warning}")
    if action == "new":
        with building(folder) as fresh:
            create(LocalStore(fresh), prepared)
            checkpoint.save(fresh, 0, digest, engine.state)
    _record(prepared, engine, folder, first, progress, note)
    return RunHandle(prepared, folder, LocalStore(folder), first)


def _record(prepared: Prepared, engine: Engine, folder: Path, first: int, progress: Progress, note: Note) -> None:
    """Compute and write the blocks from ``first`` on; a checkpoint after each."""
    timeline, digest = prepared.timeline, run_digest(prepared.attrs)
    recorder = Recorder(LocalStore(folder), prepared)
    progress(first, timeline.blocks)
    with stop_request(note) as stop:
        for result in engine.blocks(first):
            done = result.block.index + 1
            try:
                with telling(folder, largest_bytes(prepared, done - 1)):
                    recorder.write(result)
                    checkpoint.save(folder, done, digest, engine.state)
            except InputError:
                sweep(folder)
                raise
            del result  # else two blocks of rows are held while the next is computed
            progress(done, timeline.blocks)
            if stop.is_set() and done < timeline.blocks:
                where = f"after block {done} of {timeline.blocks}"
                raise StoppedError(f"{folder}: stopped {where}; continue with {option('resume=True')}")
    with telling(folder):
        mark_complete(folder)


__all__ = ["Prepared", "RunHandle", "prepare", "run", "simulate"]
