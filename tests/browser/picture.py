"""Take the README's picture of a page: ``python -m tests.browser.picture PAGE PICTURE`` (``make pictures``)."""

import sys
from pathlib import Path

from tests.browser.chromium import launched

WIDTH, HEIGHT = 1280, 1330


def main(page: str, picture: str) -> None:
    """Load the page offline, wait until every chart is drawn, and write the upper part of it."""
    with launched() as browser:
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        tab.goto(Path(page).resolve().as_uri())
        tab.wait_for_function("window.Bokeh && Bokeh.documents.length > 0 && Bokeh.documents.every(d => d.is_idle)")
        tab.screenshot(path=picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
