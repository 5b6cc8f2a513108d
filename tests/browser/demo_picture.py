"""Take the README's picture of the live page from the demo itself: ``python -m tests.browser.demo_picture PICTURE``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.browser.live_picture import main as picture

ALIVE_S = 240.0  # kernels are compiled where nobody has
TREND_S = 240.0  # of live data in the picture: what came before all was heard is then a small part of it
OPEN = "Open http"


def main(path: str) -> None:
    """Start the demo, wait until it is live and its trend has something to show, and take the picture."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "twin.cli.main", "demo", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    assert demo.stderr is not None
    try:
        url = next(line for line in demo.stderr if line.startswith(OPEN)).split()[1]
        _until_live(url)
        time.sleep(TREND_S)
        picture(url, path)
    finally:
        demo.terminate()
        demo.wait()


def _until_live(url: str) -> None:
    end = time.monotonic() + ALIVE_S
    while time.monotonic() < end:
        with suppress(HTTPError), urlopen(url + "healthz") as answer:  # 503 before the first frame
            if json.load(answer)["mode"] == "LIVE":
                return
        time.sleep(1.0)
    raise SystemExit("the demo did not come alive")


if __name__ == "__main__":
    main(*sys.argv[1:])
