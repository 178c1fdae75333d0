"""Receipts through the pages: what members see, what a driver's link shows, and what it never shows."""

import io
import json
import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from structlog.stdlib import ProcessorFormatter

from charging import receipt_links, receipts
from charging.models import Correction, ReceiptLink, Session
from charging.models.session import State
from lib import secrets
from people.models import AuditEntry, Membership, Organisation
from people.roles import Role
from tests import factories
from tests.charging import pdf_text

pytestmark = pytest.mark.django_db
NOW = factories.NOW
TARIFF = {"price_per_kwh": "0.35", "price_per_minute": "0.0425", "price_per_start": "0.50"}
World = tuple[Membership, Session]


@pytest.fixture
def world(settings: Any) -> World:
    settings.PUBLIC_URL = "https://charge.example.com"
    owner = factories.member(organisation=Organisation.objects.create(name="Énergie Montréal — Nord"))
    site = factories.site(owner.organisation, name="Harbour", address="175 rue Sainte-Catherine")
    return owner, finished(factories.station(site))


def finished(station: Any, **fields: Any) -> Session:
    values = {
        "state": State.COMPLETED,
        "connector": station.connectors.get(number=2),
        "reference": "van-07",
        "vendor_session_id": "ses_secret",
        "energy_kwh": Decimal("12.418"),
        "duration_s": 6480,
        "cost": Decimal("9.44"),
        "started_at": NOW - timedelta(minutes=108),
        "charging_ended_at": NOW - timedelta(minutes=18),
        "completed_at": NOW,
        "final_at": NOW,
        "tariff": {"fee_id": "fee_secret", "name": "Public level 2", "currency": "CAD"} | TARIFF,
    }
    return factories.session(station, **(values | fields))


def address(name: str, session: Session) -> str:
    return reverse(name, args=[session.public_id])


def shared(world: World) -> ReceiptLink:
    owner, session = world
    return receipt_links.create(actor=factories.actor(owner), session=session, now=NOW)


FIGURES = (
    '9.44<span class="unit">CAD</span>',
    '12.418<span class="unit">kWh</span>',
    "<dt>Charging time</dt><dd>1 h 30 min</dd>",
    "<dt>Idle time</dt><dd>18 min</dd>",
    "<dt>Charging began</dt><dd>1 Jun 2026, 10:12 EDT</dd>",
    "<dt>Unplugged</dt><dd>1 Jun 2026, 12:00 EDT</dd>",
    "<dt>Connector</dt><dd>2</dd>",
    "<dt>Reference</dt><dd>van-07</dd>",
    "12.418 kWh × 0.35 CAD/kWh",
    "Tariff at the start: Public level 2",
    "175 rue Sainte-Catherine",
    "Final figures of 1 Jun 2026",
    "America/Toronto",
)


# --- for members ------------------------------------------------------------------------------------------------------
def test_the_page_shows_the_final_figures(world: World) -> None:
    owner, session = world
    answer = factories.client_for(owner).get(address("session_receipt", session))
    html = answer.content.decode()
    assert [figure for figure in FIGURES if figure not in html] == []
    said = answer.context["receipt"]
    assert (said.total, said.energy_kwh, said.idle_s) == (session.cost, session.energy_kwh, session.idle_s)
    assert receipts.number(session.public_id) in html


def test_the_pdf_says_what_the_page_says(world: World) -> None:
    owner, session = world
    answer = factories.client_for(owner).get(address("session_receipt_pdf", session))
    number = receipts.number(session.public_id)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'inline; filename="receipt-{number}.pdf"'
    assert pdf_text.read(answer.content) == [
        *("Énergie Montréal — Nord", "Receipt", "Harbour", number, "175 rue Sainte-Catherine"),
        *("Total", "Energy", "9.44 CAD", "12.418 kWh", "Final figures of 1 Jun 2026"),
        *("Station", session.station.vendor_id, "Connector", "2", "Reference", "van-07"),
        *("Charging began", "1 Jun 2026, 10:12 EDT", "Charging ended", "1 Jun 2026, 11:42 EDT"),
        *("Unplugged", "1 Jun 2026, 12:00 EDT", "Charging time", "1 h 30 min", "Idle time", "18 min"),
        *("Time in all", "1 h 48 min", "Tariff", "Public level 2"),
        *("Energy", "12.418 kWh × 0.35 CAD/kWh", "4.35 CAD", "Time", "108 min × 0.0425 CAD/min", "4.59 CAD"),
        *("Start", "once", "0.50 CAD", "Total", "9.44 CAD"),
        "The total is the charging network's own figure. It does not report taxes separately.",
        "All times are local to the site (America/Toronto).",
    ]


def test_the_same_receipt_is_the_same_file(world: World) -> None:
    owner, session = world
    driver, path = Client(), reverse("receipt_pdf", args=[shared(world).token])
    mine = factories.client_for(owner).get(address("session_receipt_pdf", session)).content
    assert [mine, driver.get(path).content, driver.get(path).content] == [mine] * 3


def test_an_open_session_is_not_final(world: World) -> None:
    owner, session = world
    Session.objects.update(state=State.CHARGING, ended_at=None, final_at=None, completed_at=None)
    html = factories.client_for(owner).get(address("session_receipt", session)).content.decode()
    assert "Not final yet: the session is still open, and these are the figures so far." in html
    assert "Final figures" not in html
    shown = pdf_text.read(factories.client_for(owner).get(address("session_receipt_pdf", session)).content)
    assert shown[9] == "Not final yet"


def test_a_session_that_said_nothing_has_an_empty_receipt(world: World) -> None:
    owner, session = world
    empty = factories.session(session.station, state=State.EXPIRED, reference="")
    client = factories.client_for(owner)
    html = client.get(address("session_receipt", empty)).content.decode()
    assert "The charging network reported no cost." in html
    assert "– kWh" in pdf_text.read(client.get(address("session_receipt_pdf", empty)).content)


@pytest.mark.parametrize("name", ["Ωmega Жуковский Łódź", "充電站 שלום", "e\u0301cole\u200b\n\tà", "𝟙🚗", "\ufeff"])
def test_no_name_breaks_the_pdf(world: World, name: str) -> None:
    owner, session = world
    session.site.name = session.station.name = name
    session.site.save()
    session.station.save()
    Session.objects.update(reference=name)
    answer = factories.client_for(owner).get(address("session_receipt_pdf", session))
    expected = {
        "Ωmega Жуковский Łódź": "Ωmega Жуковский Łódź",
        "充電站 שלום": "□□□ □□□□",
        "e\u0301cole\u200b\n\tà": "école à",
        "𝟙🚗": "1□",
    }
    shown = pdf_text.read(answer.content)
    assert shown[2] == expected.get(name, receipts.number(session.public_id))
    boxes = "Letters that cannot be printed here are shown as boxes; the page shows them."
    assert (boxes in shown) == ("□" in shown[2])


def test_many_corrections_go_on_to_the_next_page(world: World) -> None:
    owner, session = world
    for number in range(60):
        at = NOW + timedelta(days=number)
        fields = {"recorded_at": at, "decided_at": at, "decision": "accepted"}
        Correction.objects.create(session=session, cost_before=number, cost_after=number + 1, **fields)
    answer = factories.client_for(owner).get(address("session_receipt_pdf", session))
    shown = pdf_text.read(answer.content)
    assert answer.content.count(b"/Type /Page\n") == 3
    assert "cost 59.00 → 60.00 CAD" in shown
    assert shown[3].endswith("-C60")


def test_a_session_is_found_by_the_number_of_its_receipt(world: World) -> None:
    owner, session = world
    finished(session.station, reference="other", vendor_session_id="ses_other")
    found = factories.client_for(owner).get(reverse("sessions"), {"q": receipts.number(session.public_id).lower()})
    assert [row.pk for row in found.context["page"].sessions] == [session.pk]


# --- the link ---------------------------------------------------------------------------------------------------------
def test_a_link_is_made_once_and_shown(world: World) -> None:
    owner, session = world
    client = factories.client_for(owner)
    for _click in range(2):
        assert client.post(address("session_receipt_link", session)).url == address("session_receipt", session)
    link = ReceiptLink.objects.get()
    url = f"https://charge.example.com/r/{link.token}"
    html = client.get(address("session_receipt_part", session)).content.decode()
    assert f"<code>{url}</code>" in html
    assert "not opened yet" in html
    verbs = list(AuditEntry.objects.filter(organisation=owner.organisation).values_list("verb", "details"))
    assert verbs == [("session.receipt_link_created", {"session": str(session.public_id)})]


def test_without_a_script_a_click_leads_to_the_page_and_with_one_to_the_part(world: World) -> None:
    owner, session = world
    answer = factories.client_for(owner).post(address("session_receipt_link", session), headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.lstrip().startswith('<section class="card not-print" id="receipt-link"')
    assert "</html>" not in html


def test_a_driver_sees_the_receipt_and_nothing_else(world: World) -> None:
    owner, session = world
    link = shared(world)
    answer = Client().get(reverse("receipt", args=[link.token]))
    html = answer.content.decode()
    assert [figure for figure in FIGURES if figure not in html] == []
    inner = ["ses_secret", "fee_secret", str(session.public_id), "/sessions", "/accounts", "<nav", "<script", "Eevion"]
    assert [word for word in [*inner, owner.user.email, session.station.account.name] if word in html] == []
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert "no-store" in answer.headers["Cache-Control"]
    assert '<meta name="robots" content="noindex, nofollow, noarchive">' in html
    assert not answer.cookies


def test_the_drivers_pdf_is_as_private(world: World) -> None:
    answer = Client().get(reverse("receipt_pdf", args=[shared(world).token]))
    assert (answer.headers["Referrer-Policy"], answer.headers["Content-Type"]) == ("no-referrer", "application/pdf")
    assert "no-store" in answer.headers["Cache-Control"]


def test_the_first_opening_is_noted_but_not_that_of_members(world: World) -> None:
    owner, session = world
    link = shared(world)
    path = reverse("receipt", args=[link.token])
    factories.client_for(owner).get(path)
    Client().head(path)
    link.refresh_from_db()
    assert link.opened_at is None
    Client().get(path)
    link.refresh_from_db()
    first = link.opened_at
    assert first is not None
    factories.client_for(factories.member()).get(path)
    link.refresh_from_db()
    assert link.opened_at == first
    html = factories.client_for(owner).get(address("session_receipt_part", session)).content.decode()
    assert "first opened" in html


def test_a_revoked_link_is_like_one_that_never_was(world: World) -> None:
    owner, session = world
    link, client = shared(world), factories.client_for(owner)
    assert "Revoke the driver" in client.get(address("session_receipt_revoke", session)).content.decode()
    assert client.post(address("session_receipt_revoke", session)).url == address("session_receipt", session)
    for name in ("receipt", "receipt_pdf"):
        gone, unknown = (Client().get(reverse(name, args=[token])) for token in (link.token, secrets.new_token()))
        assert (gone.status_code, gone.content) == (404, unknown.content)
        assert unknown.status_code == 404
        kept = ("Referrer-Policy", "X-Robots-Tag", "Cache-Control", "Content-Type")
        assert [gone.headers[name] for name in kept] == [unknown.headers[name] for name in kept]
    assert "The link was revoked" in client.get(address("session_receipt_part", session)).content.decode()
    client.post(address("session_receipt_link", session))
    renewed = receipt_links.latest(session)
    assert renewed is not None
    assert Client().get(reverse("receipt", args=[renewed.token])).status_code == 200
    assert Client().get(reverse("receipt", args=[link.token])).status_code == 404


def test_revoking_twice_is_noted_once(world: World) -> None:
    owner, session = world
    shared(world)
    for _click in range(2):
        factories.client_for(owner).post(address("session_receipt_revoke", session))
    assert AuditEntry.objects.filter(verb="session.receipt_link_revoked").count() == 1


def test_a_link_whose_key_is_gone_still_opens_and_says_so(world: World, settings: Any) -> None:
    owner, session = world
    token = shared(world).token
    settings.ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    html = factories.client_for(owner).get(address("session_receipt_part", session)).content.decode()
    assert "encryption key that is gone" in html
    assert Client().get(reverse("receipt", args=[token])).status_code == 200


def test_foreign_sessions_are_absent(world: World) -> None:
    _owner, session = world
    stranger = factories.client_for(factories.member())
    names = ("session_receipt", "session_receipt_pdf", "session_receipt_part", "session_receipt_revoke")
    assert {stranger.get(address(name, session)).status_code for name in names} == {404}
    posts = ("session_receipt_link", "session_receipt_mail", "session_receipt_revoke")
    data = {"address": "driver@example.com"}
    assert {stranger.post(address(name, session), data).status_code for name in posts} == {404}
    assert not ReceiptLink.objects.exists()


def test_a_viewer_sees_the_receipt_but_makes_no_link(world: World) -> None:
    _owner, session = world
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=session.organisation))
    accountant = factories.client_for(factories.member(Role.ACCOUNTANT, organisation=session.organisation))
    assert viewer.post(address("session_receipt_link", session)).status_code == 404
    html = viewer.get(address("session_receipt", session)).content.decode()
    assert "<form" not in html.split('id="receipt-link"')[1].split("</section>")[0]
    assert accountant.post(address("session_receipt_link", session)).status_code == 302


def test_tokens_are_masked_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [handler for handler in logging.getLogger().handlers if isinstance(handler.formatter, ProcessorFormatter)]
    written = io.StringIO()
    monkeypatch.setattr(ours[0], "stream", written)
    token = secrets.new_token()
    for name in ("receipt", "receipt_pdf"):
        Client().get(reverse(name, args=[token]))
    lines = written.getvalue()
    assert (lines.count("Not Found: /r/***"), token in lines) == (2, False)


def test_the_session_page_loads_the_part(world: World) -> None:
    owner, session = world
    html = factories.client_for(owner).get(address("session", session)).content.decode()
    part = address("session_receipt_part", session)
    assert f'hx-get="{part}" hx-trigger="load"' in html
    assert f'href="{address("session_receipt", session)}"' in html


def test_the_audit_trail_keeps_no_token(world: World) -> None:
    token = shared(world).token
    assert token not in json.dumps(list(AuditEntry.objects.values("subject", "details")))
