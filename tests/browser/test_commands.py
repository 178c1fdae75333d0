"""A command in a real browser: its hold counts down, the page follows without a reload, Cancel takes it back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from devstack.stack import Stack

pytestmark = pytest.mark.browser

ASK = """
from fleet import commands
from fleet.command_options import OF_PAGES
from fleet.models import Station
from lib import clock
from people.access import actor_for
from people.models import Membership
member = Membership.objects.select_related("user").get(user__email="owner@example.com")
stations = Station.objects.filter(vendor_id__in=%r)
wishes = commands.for_all(stations, {"priorityStatus": "unavailable", "setMessage": "Closed"})
print(commands.request(actor=actor_for(member), wishes=wishes, now=clock.now(), options=OF_PAGES).public_id)
"""


def asked(stack: Stack, *vendor_ids: str) -> str:
    printed = stack.manage("shell", "-v", "0", "-c", ASK % (vendor_ids,))
    return f"/commands/{printed.split()[-1]}/"


def test_a_held_command_counts_down_and_is_taken_back(stack: Stack, signed_in: Page) -> None:
    page = signed_in
    page.goto(asked(stack, "HC-1040", "HC-1041"))
    count = page.locator("[data-est]")
    first = int(count.inner_text())
    expect(count).not_to_have_text(str(first))
    assert 0 <= int(count.inner_text()) < first <= 10
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("main")).to_contain_text("Taken back before it was sent")
    expect(page.locator("#polled")).not_to_have_attribute("hx-trigger", "every 2s")
    expect(page.locator("#items tbody tr")).to_have_count(4)


def test_a_command_is_followed_to_its_end_without_a_reload(stack: Stack, signed_in: Page) -> None:
    page = signed_in
    page.goto(asked(stack, "HC-1042"))
    page.evaluate("window.sameDocument = true")
    page.locator("#look-again").focus()
    expect(page.locator(".stands")).to_contain_text("finished", timeout=60_000)
    expect(page.locator("#polled")).not_to_have_attribute("hx-trigger", "every 2s", timeout=90_000)
    assert page.evaluate("window.sameDocument") is True
    expect(page.locator(".lamps")).to_contain_text("2of 2")
    page.get_by_text("Requests and answers").click()
    expect(page.locator("#calls pre").first).to_contain_text("HC-1042")
