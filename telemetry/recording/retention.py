"""Which finished files of a recording go: the oldest, while all are too large together, and those that are too old.

Age is that at the newest message, or by the clock where that is earlier: a clock that is set far ahead deletes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from io import FileIO
from pathlib import Path

from telemetry.recording import folder as place
from telemetry.recording.scan import Summary, summary

NS = 1_000_000_000


class Retention:
    """Keeps at most ``keep_bytes``, and nothing whose last message is older than ``keep_s``; None: no limit.

    The next file, of ``file_bytes``, is counted as if it were full. The newest finished file always stays: the
    sequence goes on from its last message.
    """

    def __init__(self, folder: Path, keep_bytes: int | None, keep_s: float | None, file_bytes: int) -> None:
        self._folder, self._bytes = folder, None if keep_bytes is None else keep_bytes - file_bytes
        self._ns = None if keep_s is None else int(keep_s * NS)
        self._last_ns: dict[Path, int] = {}

    def apply(self, finished: Path | None, last_ns: int, now_ns: int) -> None:
        """Remove what may go, while no file is open; ``finished`` just was, with its last message at ``last_ns``."""
        if finished is not None:
            self._last_ns[finished] = last_ns
        if self._bytes is None and self._ns is None:
            return
        files = place.files(self._folder)[:-1]
        gone = []
        if self._ns is not None:
            told = place.files(self._folder)[-1:]
            newest = max((self._newest(path) for path in told), default=now_ns)
            gone = [path for path in files if min(now_ns, newest) - self._newest(path) > self._ns]
        kept = [path for path in files if path not in gone]
        if self._bytes is not None:
            sizes = {path: path.stat().st_size for path in place.files(self._folder)}
            total = sum(sizes.values()) - sum(sizes[path] for path in gone)
            for path in kept:
                if total <= self._bytes:
                    break
                gone.append(path)
                total -= sizes[path]
        place.remove(gone)
        for path in gone:
            self._last_ns.pop(path, None)

    def _newest(self, path: Path) -> int:
        """Time of the last message of a file, ns; without an index that of its last change."""
        if path not in self._last_ns:
            found: Summary | None = None
            with suppress(OSError), FileIO(path) as stream:
                found = summary(stream, stream.seek(0, 2))
            times = [head.last_ns for head in found.chunks] if found is not None else []
            self._last_ns[path] = max(times, default=path.stat().st_mtime_ns)
        return self._last_ns[path]
