"""The story of the product: sign in, start a session, watch it charge, unplug, see it completed by the webhook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from devstack.stack import Stack

pytestmark = pytest.mark.browser
BAY = {"stationId": "HC-1010", "connectorId": 1}


def test_a_session_from_start_to_receipt(stack: Stack, signed_in: Page, until: Callable[..., Any]) -> None:
    page = signed_in
    page.goto("/stations/?q=HC-1010")
    page.get_by_role("link", name="HC-1010").first.click()
    form = page.locator("form[action$='/sessions/start']").first
    form.locator("[name=reference]").fill("van-12")
    form.get_by_role("button", name="Start").click()
    page.wait_for_url("**/sessions/*-*/")
    address = page.url

    stack.sandbox_call("plug", {**BAY, "vehicle": {"capacity_kwh": 80, "soc": 0.2, "max_kw": 11}})
    until(lambda: _energy(stack) > 1, what="the car takes energy")
    until(lambda: _shows(page, address, "Charging"), what="the page says Charging")

    stack.sandbox_call("unplug", BAY)
    until(lambda: _shows(page, address, "Completed"), what="the page says Completed")
    truth = _truth(stack)
    expect(page.locator("main")).to_contain_text(f"{float(truth['energy']):.2f}")
    assert [hook["outcome"] for hook in truth["webhooks"]] == ["delivered"]


def _truth(stack: Stack) -> dict[str, Any]:
    """Of the vendor; nothing, while the start is on its way."""
    sessions = stack.sandbox_call("ledger")["sessions"]
    return next((row for row in sessions if row["externalReference"] == "van-12"), {})


def _energy(stack: Stack) -> float:
    return float(_truth(stack).get("energy") or 0)


def _shows(page: Page, address: str, word: str) -> bool:
    page.goto(address)
    return page.locator("main .st").first.inner_text().strip() == word
