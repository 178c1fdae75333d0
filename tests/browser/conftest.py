"""A running product of its own, with a real browser in front. A console error fails the test: that is the CSP test."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from devstack.stack import Stack

# The browser's driver leaves a running loop in this process; tests of other folders then use the ORM beside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SPEED = 60  # business seconds in one second, so that a battery takes visible energy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM or os.environ.get("BROWSER_REQUIRED") == "1":
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("stack")
    began = time.time()
    clock = f"{datetime.now(UTC).isoformat()}@{began}"
    running = Stack(
        folder,
        env={"DEMO": "1", "BUSINESS_CLOCK": f"{clock}x{SPEED}", "READ_EVERY_S": "2"},
        sandbox=("--world", "demo", "--speed", str(SPEED), "--origin", clock),
    )
    try:
        running.start()
        tables = {name: folder / f"{name}.csv" for name in ("stations", "tariffs")}
        for name, path in tables.items():
            path.write_bytes(_download(f"{running.sandbox_url}/_sandbox/{name}.csv"))
        running.manage("create_demo", "--stations", str(tables["stations"]), "--tariffs", str(tables["tariffs"]))
        yield running
    finally:
        running.stop()


def _download(url: str) -> bytes:
    import urllib.request

    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  loopback, a process of ours
        return bytes(answer.read())


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of; a test that provokes something takes out what it meant to see."""
    return []


@pytest.fixture
def page(browser: Browser, stack: Stack, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.url)
    page = context.new_page()
    page.set_default_timeout(15_000)

    def note(message: ConsoleMessage) -> None:
        is_own = message.location.get("url") == page.url  # a page that is itself a 403 or 404 is no complaint
        if message.type == "error" and not (is_own and message.text.startswith("Failed to load resource")):
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def signed_in(page: Page, stack: Stack) -> Page:
    page.goto("/")
    page.locator("[name=login]").fill("owner@example.com")
    page.locator("[name=password]").fill("demo-charging")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{stack.url}/")  # the board itself; the sign-in page ends in a slash too
    return page


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait for a condition with a deadline; returns its first true value."""

    def wait(condition: Callable[[], Any], *, what: str, within_s: float = 60) -> Any:
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.2)
        raise AssertionError(f"not within {within_s} s: {what}")

    return wait
