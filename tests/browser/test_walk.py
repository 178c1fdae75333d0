"""Every main page of the running product, light and dark, on a desk and on a phone: the browser complains of nothing,
nothing overflows sideways, axe finds nothing. The pages are loaded under the product's own policy."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from devstack.stack import Stack

pytestmark = pytest.mark.browser

SIGNED_IN = (
    "/", "/sites/", "/sites/new/", "/stations/", "/stations/new/", "/stations/import/", "/tariffs/", "/tariffs/new/",
    "/sessions/", "/sessions/?start_date=2026-02-02&end_date=2026-02-01", "/sessions/start", "/exceptions/",
    "/exceptions/?state=cleared", "/commands/", "/commands/new/", "/reports/",
    "/reports/?first=2026-02-02&last=2026-02-01",
    "/settings/", "/settings/people/", "/settings/keys/", "/settings/audit/", "/settings/accounts/",
    "/settings/accounts/new/", "/settings/messages/", "/accounts/password/change/", "/accounts/logout/",
    "/api/v1/docs/", "/nothing-here/", "/admin/",
)  # fmt: skip
SIGNED_OUT = (
    "/accounts/login/", "/accounts/password/reset/", "/accounts/password/reset/done/",
    "/accounts/password/reset/key/1-set-password/", "/accounts/signup/", "/invitations/none/",
)  # fmt: skip
# One of each kind: the first link of a list that fits.
FIRST = (
    ("/sites/", r"/sites/\d+/"), ("/stations/", r"/stations/\d+/"), ("/sessions/", r"/sessions/[0-9a-f-]{36}/"),
    ("/settings/people/", r"/settings/people/\d+/"), ("/settings/people/", r"/settings/people/\d+/remove"),
    ("/settings/accounts/", r"/settings/accounts/\d+/"),
)  # fmt: skip
# Commands in every state, so that each mark, bar and button is looked at.
COMMANDS = """
from datetime import timedelta
from django.db.models.functions import Now
from fleet import commands
from fleet.models import Command, CommandEvent, Station
from fleet.models.command import ItemState
from lib import clock
from people.access import actor_for
from people.models import Membership
member, now = Membership.objects.select_related("user").get(user__email="owner@example.com"), clock.now()
wishes = commands.for_all(Station.objects.order_by("pk")[:len(ItemState.values)], {"priorityStatus": "available"})
for name in ("over", "paused", "held"):
    made = commands.request(actor=actor_for(member), wishes=wishes, now=now)
    for item, state in zip(made.items.order_by("pk"), ItemState.values):
        made.items.filter(pk=item.pk).update(
            state="queued" if name == "held" else state, due_at=None, sent_at=now, accepted_at=now, finished_at=now,
            error="offline: it did not answer", error_code="offline", evidence="a start was refused",
        )
    CommandEvent.objects.create(command=made, at=now, verb="braked", detail="3 of 5 failed", stations=3)
    Command.objects.filter(pk=made.pk).update(
        held_until=Now() + timedelta(hours=1) if name == "held" else None,
        paused_at=now if name == "paused" else None, paused_why="3 of 5 failed",
    )
    print(made.public_id, made.items.first().station_id)
"""
LOOKS = (  # width, theme, and whether axe looks too: it takes half a second, and each page meets it in both
    (1440, "light", True), (390, "light", False), (390, "dark", True), (1440, "dark", False),
)  # fmt: skip
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
VIOLATIONS = """axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations.map(
    one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 160)).join(" | ")}`))"""


class Walker:
    """Opens addresses and writes down what is wrong with each. What the browser complains of, the fixture notes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []

    def walk(self, paths: Iterable[str]) -> None:
        for path in paths:
            self.page.goto(path)
            expect(self.page.locator(".htmx-request")).to_have_count(0)
            self.page.evaluate(AXE_SCRIPT)
            for width, theme, deeply in LOOKS:
                self.page.set_viewport_size({"width": width, "height": 900})
                self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                self._look(f"{path} ({theme}, {width})", deeply=deeply)

    def _look(self, where: str, *, deeply: bool) -> None:
        over = self.page.evaluate(OVERFLOW)
        faults = [
            *(self.page.evaluate(VIOLATIONS) if deeply else []),
            *([f"overflows by {over} px"] if over > 0 else []),
        ]
        self.faults.extend(f"{where}: {fault}" for fault in faults)

    def first(self, path: str, pattern: str) -> str:
        """The first link on a page that fits."""
        self.page.goto(path)
        links = self.page.eval_on_selector_all("main a[href]", "links => links.map(link => link.getAttribute('href'))")
        return next(link for link in links if re.fullmatch(pattern, link))


@pytest.fixture(scope="module")
def history(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Some past, so that lists and charts have something to show."""
    path = tmp_path_factory.mktemp("walk") / "history.csv"
    with urllib.request.urlopen(f"{stack.sandbox_url}/_sandbox/history.csv?days=2", timeout=30) as answer:  # noqa: S310
        path.write_bytes(answer.read())
    stack.manage("import_sessions", str(path))


@pytest.mark.usefixtures("history")
def test_every_page_is_whole_for_everybody(signed_in: Page) -> None:
    walker = Walker(signed_in)
    walker.walk([*SIGNED_IN, *(walker.first(*where) for where in FIRST)])
    assert "\n".join(walker.faults) == ""


def test_commands_are_whole_in_every_state(stack: Stack, signed_in: Page) -> None:
    printed = stack.manage("shell", "-v", "0", "-c", COMMANDS).split()
    walker = Walker(signed_in)
    pages = [f"/commands/{made}/" for made in printed[::2]]
    walker.walk(["/commands/?state=wrong", *pages, f"{pages[0]}?show=wrong", f"{pages[0]}calls"])
    walker.walk([f"/stations/{printed[1]}/commands"])
    assert "\n".join(walker.faults) == ""


def test_every_page_before_signing_in_is_whole(page: Page) -> None:
    walker = Walker(page)
    walker.walk(SIGNED_OUT)
    assert "\n".join(walker.faults) == ""
