"""The board in a browser: what a person holds survives every update, silence of the server is shown, several sessions
are stopped at once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from devstack.stack import Stack
from tests.browser.test_walk import Walker

pytestmark = pytest.mark.browser
Until = Callable[..., Any]
SPEED = 20  # business seconds in one second
HELD = [{"stationId": f"BD-{n}", "connectorId": 1} for n in (1, 2, 3)]
STOPPED = [{"stationId": f"BD-{n}", "connectorId": 1} for n in (4, 5, 6)]
CAR = {"capacity_kwh": 400, "soc": 0.1, "max_kw": 7}
TABLES = {
    "stations": "site,timezone,currency,latitude,longitude,grid_limit_kw,station,name,level,connectors,rated_kw\n"
    + "".join(f"Harbour,America/Halifax,CAD,44.6,-63.5,150,BD-{n},Quay {n},2,1,7.2\n" for n in range(1, 7)),
    "tariffs": "fee_id,name,currency,price_per_kwh,price_per_minute,price_per_start\nfee_1,Day,CAD,0.4275,0.02,0\n",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A world of its own where nobody else comes and nothing breaks by itself."""
    folder = tmp_path_factory.mktemp("board")
    clock = f"{datetime.now(UTC).isoformat()}@{time.time()}"
    running = Stack(
        folder,
        env={"DEMO": "1", "BUSINESS_CLOCK": f"{clock}x{SPEED}", "READ_EVERY_S": "2"},
        sandbox=("--world", "empty", "--speed", str(SPEED), "--origin", clock),
    )
    try:
        running.start()
        running.sandbox_call("keys", {"key": "sandbox-production-key", "limit": 60, "window_s": 60})
        running.sandbox_call("stations", [{"station": bay["stationId"]} for bay in (*HELD, *STOPPED)])
        paths = {name: folder / f"{name}.csv" for name in TABLES}
        for name, path in paths.items():
            path.write_text(TABLES[name])
        running.manage("create_demo", "--stations", str(paths["stations"]), "--tariffs", str(paths["tariffs"]))
        yield running
    finally:
        running.stop()


@pytest.fixture
def board(stack: Stack, signed_in: Page, until: Until) -> Page:
    """The board with three sessions that charge."""
    return _charging(stack, signed_in, until, HELD, "held")


def _charging(stack: Stack, page: Page, until: Until, bays: list[dict[str, Any]], mark: str) -> Page:
    for bay in bays:
        if not _going_on(stack, bay, mark):
            stack.sandbox_call("plug", {**bay, "vehicle": CAR})
            _start(page, bay, mark)
    until(lambda: all(_going_on(stack, bay, mark) for bay in bays), what="three cars charge", within_s=60)
    page.goto(f"/?q={mark}")
    expect(page.locator("tbody tr").filter(has_text="Charging")).to_have_count(len(bays), timeout=60_000)
    expect(page.locator("tbody tr [data-est]").first).to_be_visible(timeout=60_000)
    return page


def _start(page: Page, bay: dict[str, Any], mark: str) -> None:
    page.goto(f"/stations/?q={bay['stationId']}")
    page.get_by_role("link", name=bay["stationId"]).first.click()
    form = page.locator("form[action$='/sessions/start']").first
    form.locator("[name=reference]").fill(mark)
    form.get_by_role("button", name="Start").click()
    page.wait_for_url("**/sessions/*-*/")


def _going_on(stack: Stack, bay: dict[str, Any], mark: str) -> bool:
    return any(
        row["stationId"] == bay["stationId"] and row["externalReference"] == mark and row["status"] == "charging"
        for row in stack.sandbox_call("ledger")["sessions"]
    )


def _updated(page: Page, row: Locator, times: int = 2) -> None:
    """Wait until the row itself was drawn anew."""
    for _ in range(times):
        before = row.locator("[data-est]").first.get_attribute("data-at")
        expect(row.locator("[data-est]").first).not_to_have_attribute("data-at", before or "", timeout=30_000)


def test_selection_focus_menu_and_scroll_survive_updates(board: Page) -> None:
    page = board
    page.set_viewport_size({"width": 1440, "height": 420})  # the table lies below the fold
    rows = page.locator("tbody tr")
    row, other = rows.nth(1), rows.nth(2)
    row.locator(".check").check()
    other.locator(".act details.menu summary").click()
    focused = row.locator("a.id")
    focused.focus()
    page.evaluate("scrollTo(0, 300)")
    top = focused.bounding_box()
    identity = row.get_attribute("id")

    _updated(page, row)

    assert page.evaluate("document.activeElement.closest('tr')?.id") == identity
    expect(row.locator(".check")).to_be_checked()
    expect(page.locator(".bulk")).to_be_visible()
    expect(page.locator("[data-selected]").first).to_have_text("1")
    assert other.locator(".act details.menu").get_attribute("open") is not None
    after = focused.bounding_box()
    assert top and after and abs(top["y"] - after["y"]) < 2


def test_figures_go_on_between_readings_and_are_marked(board: Page, until: Until) -> None:
    estimate = board.locator("tbody tr .est").first
    assert board.evaluate("e => getComputedStyle(e, '::before').content", estimate.element_handle()).startswith('"≈')
    before = estimate.inner_text()
    until(lambda: estimate.inner_text() != before, what="the estimate moves")


def test_pause_keeps_the_board_as_it_is(board: Page) -> None:
    page = board
    polls: list[str] = []
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-live-word]")).to_have_text("Paused")
    page.wait_for_timeout(2_500)  # a poll that was on its way
    page.on("request", lambda request: polls.append(request.url) if "/live/rows" in request.url else None)
    page.wait_for_timeout(5_000)
    assert polls == []
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("[data-live-word]")).to_have_text("Live")


def test_offline_is_shown_as_delayed(board: Page, complaints: list[str]) -> None:
    page = board
    page.context.set_offline(True)
    expect(page.locator("[data-live-word]")).to_have_text("Delayed", timeout=20_000)
    page.context.set_offline(False)
    expect(page.locator("[data-live-word]")).to_have_text("Live", timeout=60_000)
    complaints[:] = [text for text in complaints if "ERR_INTERNET_DISCONNECTED" not in text]


def test_a_signed_out_poll_leads_to_sign_in(board: Page, complaints: list[str]) -> None:
    page = board
    page.context.clear_cookies(name=re.compile(".*session.*"))
    page.wait_for_url("**/accounts/login/**", timeout=20_000)
    assert [text for text in complaints if "401" not in text] == []
    complaints.clear()


def test_board_bays_and_wall_are_whole_for_everybody(board: Page) -> None:
    page = board
    walker = Walker(page)
    page.goto("/live/walls/")
    page.locator("[name=name]").fill("Control room")
    page.get_by_role("button", name="Make a link").click()
    wall = page.locator(".copy code").inner_text()
    bays = walker.first("/sites/", r"/sites/\d+/") + "bays"
    walker.walk(["/", "/?tab=unknown&q=nobody", "/live/walls/", bays, wall])
    assert walker.faults == []


def test_keys_select_rows_and_can_be_switched_off(board: Page) -> None:
    page = board
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("tbody tr").nth(1).locator(".check")).to_be_checked()
    page.locator("tbody tr").nth(2).locator(".check").click()  # by mouse: the focus is on a check box now
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions/*-*/")
    assert page.locator("dialog").count() == 0
    page.goto("/?q=held")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("tbody .check:checked")).to_have_count(1)
    page.evaluate("document.documentElement.dataset.keys = 'off'")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("tbody .check:checked")).to_have_count(1)


def test_several_sessions_are_stopped_from_the_board(stack: Stack, signed_in: Page, until: Until) -> None:
    page = _charging(stack, signed_in, until, STOPPED, "stopped-by-board")
    for number in (0, 1):
        page.locator("tbody tr").nth(number).locator(".check").check()
    page.get_by_role("button", name="Stop selected").click()
    dialog = page.locator("dialog")
    expect(dialog).to_contain_text("pay so far")
    dialog.get_by_role("button", name="Stop 2 sessions").click()
    page.wait_for_url("**/sessions/stop/result*")
    expect(page.locator("#stop-result")).to_contain_text("Every stop has its answer", timeout=60_000)
    assert [_going_on(stack, bay, "stopped-by-board") for bay in STOPPED].count(True) == 1
