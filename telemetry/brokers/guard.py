"""Runs one broker and ends it when its parent ends: started as a script, with the broker's command as arguments.

A signal at the parent's death (Linux) follows the *thread* that started the child, and a pipe alone is kept open by
whoever else inherits it; so the guard watches both its standard input and who its parent is, and the broker in turn
gets a signal when the guard dies. It says the broker's process id on its first line of output and obeys two letters:
``T`` ends the broker in good order (it writes its state), ``K`` kills it as a power cut would.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

GRACE_S = 5.0  # from the request to end until the kill
LOOK_S = 0.25  # how often the parent is looked at, in case that its end of the pipe lives on in somebody else
PR_SET_PDEATHSIG = 1


def _die_with_guard() -> None:
    """In the child, before it becomes the broker."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _end(broker: subprocess.Popen[bytes]) -> None:
    """In good order, or by force where that takes too long."""
    broker.terminate()
    try:
        broker.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        broker.kill()


def main(command: list[str]) -> int:
    """Run ``command`` until it ends, is told to, or nobody is left who would tell it; its exit status."""
    parent = os.getppid()
    wake, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # only so that the wake-up pipe is written
    before = _die_with_guard if sys.platform == "linux" else None
    # Between fork and exec is the one place where a child can ask to die with us; we have one thread, so that no lock
    # is held over the fork, which is what the rule warns of.
    broker = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        preexec_fn=before,  # noqa: PLW1509
    )
    with contextlib.suppress(OSError):
        os.write(1, f"{broker.pid}\n".encode())
    while broker.poll() is None:
        ready, _, _ = select.select([0, wake], [], [], LOOK_S)
        if wake in ready:
            os.read(wake, 64)
        if 0 not in ready and os.getppid() == parent:
            continue
        order = os.read(0, 1) if 0 in ready else b""
        if order == b"K":
            broker.kill()
        else:
            _end(broker)
        broker.wait()
    return broker.returncode & 0xFF


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
