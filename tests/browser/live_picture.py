"""Take the README's picture of the live page: ``python -m tests.browser.live_picture URL PICTURE [WIDTH [dark]]``."""

import sys

from tests.browser.chromium import launched

WIDTH, HEIGHT, SETTLED_MS = 1400, 1000, 2500


def main(url: str, picture: str, width: str = str(WIDTH), scheme: str = "light", height: str = str(HEIGHT)) -> None:
    """Open the page, wait until it is alive and has drawn some seconds, and write what a reader sees."""
    with launched() as browser:
        tab = browser.new_page(
            viewport={"width": int(width), "height": int(height)}, color_scheme="dark" if scheme == "dark" else "light"
        )
        tab.goto(url)
        tab.wait_for_function("document.documentElement.dataset.alive === 'yes'")
        tab.wait_for_timeout(SETTLED_MS)
        tab.screenshot(path=picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
