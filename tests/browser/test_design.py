"""The design system in a real browser: no violation of policy or accessibility, and the contract of live pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from django.test import RequestFactory
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.browser.design import Answer, Server
from tests.lib import reference

pytestmark = pytest.mark.browser

ROW = (
    '<tr id="row-{0}"{2}><td><input class="check" type="checkbox" aria-label="{0}"></td>'
    '<td><a href="#{0}">{1}</a></td></tr>'
)
LIVE = """{% extends "base.html" %}{% block main %}
<h1>Live</h1><p class="sub">{% live_state %}</p><div id="strip"><b>1</b></div>
<div class="tbl-card"><table class="tbl" data-keys>
<tbody id="rows" data-live="/rows" data-version="7" data-every="0.1">ROWS</tbody></table></div>
<a href="/ask" data-confirm id="ask">Stop</a>{% endblock %}"""
ASK = """{% extends "ui/confirm.html" %}{% block question %}<p>It stops now.</p>{% endblock %}"""


def row(key: str, text: str = "", extra: str = "") -> str:
    return ROW.format(key, text or key, extra and f" {extra}")


def rows(*keys: str) -> str:
    return "".join(row(key) for key in keys)


@pytest.fixture
def server() -> Iterator[Server]:
    from django.template import engines

    request = RequestFactory().get("/live")
    context = {"shell": reference.shell()}
    live = engines["django"].from_string(LIVE.replace("ROWS", rows("a", "b", "c", "d")))
    ask = engines["django"].from_string(ASK)
    pages = {"/live": live.render(context, request)}
    pages["/ask"] = ask.render({**context, "title": "Stop it?", "cancel_url": "/live"}, RequestFactory().get("/ask"))
    for theme in ("light", "dark"):
        full = {**reference.context(), "shell": reference.shell(theme)}
        pages[f"/{theme}"] = render_to_string("ui/reference.html", full, request=RequestFactory().get(f"/{theme}"))
    served = Server(pages)
    yield served
    served.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def order(page: Page) -> list[str]:
    return page.eval_on_selector_all("#rows > tr:not(.gone)", "rows => rows.map(row => row.id.slice(4))")


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_every_component_is_accessible_and_fits(browser: Browser, server: Server, theme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{server.url}/{theme}")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    found = Axe().run(page).response["violations"]
    context.close()
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


def test_the_page_keeps_the_policy(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/light")
    assert tab.evaluate("typeof window.htmx.process") == "function"
    loaded = tab.evaluate("document.fonts.load('600 14px Inter').then(faces => faces.length)")
    assert loaded > 0  # asked for, not hoped for: the face itself arrived under the policy


def test_nothing_changed_keeps_the_version(tab: Page, server: Server) -> None:
    server.answers.extend([Answer(204), Answer(204, {"X-Version": "9"}), Answer(204)])
    tab.goto(f"{server.url}/live?state=open")
    expect(tab.locator("#rows")).to_have_attribute("data-version", "9")
    assert server.asked[:2] == [("state=open", "7"), ("state=open", "7")]
    assert order(tab) == ["a", "b", "c", "d"]


def test_rows_change_in_place_new_ones_are_placed_and_gone_ones_leave(tab: Page, server: Server) -> None:
    changed = row("c", "changed", 'data-before=""')
    new = [
        row("n1", "new", 'data-before="row-b"'),
        row("n2", "new", 'data-after="row-c"'),
        row("n3", "new", 'data-after=""'),
    ]
    last = row("n4", "new", 'data-before=""')
    server.answers.append(
        Answer(200, {"X-Version": "8"}, changed + "".join(new) + last + '<tr id="row-d" data-gone></tr>')
    )
    tab.goto(f"{server.url}/live")
    expect(tab.locator("#row-c a")).to_have_text("changed")
    assert order(tab) == ["n3", "a", "n1", "b", "c", "n2", "n4"]


def test_focus_and_checks_survive_and_a_held_row_waits_to_leave(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/live")
    tab.locator("#row-b .check").check()
    tab.locator("#row-b a").focus()
    server.answers.append(Answer(200, {"X-Version": "8"}, row("b", "fresh") + '<tr id="row-a" data-gone></tr>'))
    expect(tab.locator("#row-b a")).to_have_text("fresh")
    assert tab.locator("#row-b .check").is_checked()
    assert tab.evaluate("document.activeElement.closest('tr').id") == "row-b"
    server.answers.append(Answer(200, {"X-Version": "9"}, '<tr id="row-b" data-gone></tr>'))
    expect(tab.locator("#row-b.gone")).to_be_visible()
    assert order(tab) == ["c", "d"]
    tab.locator("#ask").focus()
    tab.mouse.move(0, 0)
    expect(tab.locator("#row-b")).to_have_count(0)


def test_fragments_beside_the_rows_are_replaced(tab: Page, server: Server) -> None:
    server.answers.append(Answer(200, {"X-Version": "8"}, '<div id="strip" data-oob><b>2</b></div>' + row("a", "x")))
    tab.goto(f"{server.url}/live")
    expect(tab.locator("#strip")).to_have_text("2")
    assert tab.locator("#strip").get_attribute("data-oob") is None


def test_failures_are_said_and_recovered_from(tab: Page, server: Server) -> None:
    server.answers.extend([Answer(500), Answer(500)])
    tab.goto(f"{server.url}/live")
    state = tab.locator("[data-live-state]")
    expect(state).to_have_attribute("data-live-state", "delayed")
    expect(state).to_have_text("Delayed")
    expect(state).to_have_attribute("data-live-state", "live")


def test_a_pause_holds_and_resume_asks_at_once(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/live")
    button = tab.locator("[data-live-pause]")
    button.click()
    expect(tab.locator("[data-live-state]")).to_have_text("Paused")
    tab.wait_for_timeout(300)
    before = len(server.asked)
    tab.wait_for_timeout(400)
    assert len(server.asked) == before
    server.answers.append(Answer(200, {"X-Version": "8"}, row("a", "after")))
    button.click()
    expect(tab.locator("#row-a a")).to_have_text("after")


def test_a_signed_out_page_goes_where_it_is_sent(tab: Page, server: Server) -> None:
    server.answers.append(Answer(401, {"HX-Redirect": "/ask"}))
    tab.goto(f"{server.url}/live")
    tab.wait_for_url("**/ask")


def test_a_question_opens_as_a_dialog_and_closes(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/live")
    tab.locator("#ask").click()
    dialog = tab.get_by_role("dialog", name="Stop it?")
    expect(dialog).to_contain_text("It stops now.")
    assert dialog.locator("form").get_attribute("action") == "/ask"
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert tab.evaluate("document.activeElement.id") == "ask"


def test_keys_move_and_select_until_switched_off(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/live")
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    assert tab.locator("tr.cur").get_attribute("id") == "row-b"
    assert tab.locator("#row-b .check").is_checked()
    tab.evaluate("document.documentElement.dataset.keys = 'off'")
    tab.keyboard.press("j")
    assert tab.locator("tr.cur").get_attribute("id") == "row-b"


def test_the_theme_is_a_cookie(tab: Page, server: Server) -> None:
    tab.emulate_media(color_scheme="light")
    tab.goto(f"{server.url}/live")
    tab.evaluate("document.querySelector('[data-theme-toggle]').click()")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    assert [(one["name"], one["value"]) for one in tab.context.cookies()] == [("theme", "dark")]


def test_arrows_read_a_chart(tab: Page, server: Server) -> None:
    tab.goto(f"{server.url}/light")
    tab.locator(".c-plot").first.focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    expect(tab.locator(".tip")).to_contain_text("26 Oct 2026")
    expect(tab.locator(".tip")).to_contain_text("kWh")


def test_without_a_script_the_page_says_that_it_stands_still(browser: Browser, server: Server) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.url}/live")
    expect(page.locator("[data-live-word]")).to_have_text("As loaded")
    page.locator("#ask").click()
    expect(page.get_by_role("heading", name="Stop it?")).to_be_visible()
    context.close()
