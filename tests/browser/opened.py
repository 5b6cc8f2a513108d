"""A page as a reader opens it."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page


def opened(browser: Browser, file: Path, width: int) -> tuple[Page, list[str]]:
    """The page at so many pixels, and all that it asks for, says or stumbles over."""
    heard: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda said: heard.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.goto(file.as_uri())
    return page, heard
