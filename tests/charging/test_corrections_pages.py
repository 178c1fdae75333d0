"""A correction on the session's page: both sets of figures, a question, one decision; and that it is told to people."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from charging import attention, sessions
from charging.models import Correction, Session
from eevion.sessions import read_session
from people.models import Membership
from people.roles import Role
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
FINAL = {"sessionID": "ses_1", "status": "completed", "energy": Decimal(7), "cost": Decimal("2.45"), "duration": 3600}


@pytest.fixture
def owner() -> Membership:
    return factories.member()


def corrected(owner: Membership) -> Correction:
    session = factories.session(factories.station(factories.site(owner.organisation)), vendor_session_id="ses_1")

    def read(minutes: int, **said: Any) -> None:
        now = NOW + timedelta(minutes=minutes)
        sessions.apply(session=session, document=read_session(FINAL | said), now=now, via="read")

    read(0)
    read(1, energy=Decimal(9), cost=Decimal("3.15"))
    return Correction.objects.select_related("session").get(session=session)


def page(owner: Membership, session: Session) -> str:
    return factories.client_for(owner).get(reverse("session", args=[session.public_id])).content.decode()


def test_the_page_shows_both_sets_and_asks(owner: Membership) -> None:
    found = corrected(owner)
    html = page(owner, found.session)
    for words in ('7.000<span class="unit">kWh', '9.000<span class="unit">kWh', "2.45<span", "3.15<span"):
        assert words in html
    ask = reverse("session_correction", args=[found.pk])
    assert f'href="{ask}?decision=accept" data-confirm' in html
    asked = factories.client_for(owner).get(ask, {"decision": "accept"}).content.decode()
    assert "Accept the newer figures?" in asked
    found.refresh_from_db()
    assert found.decision == ""


def test_what_differs_by_less_than_a_cent_and_a_minute_is_seen_to_differ(owner: Membership) -> None:
    found = corrected(owner)
    Correction.objects.update(
        cost_before=Decimal("2.4463"), cost_after=Decimal("2.4512"), duration_s_before=3600, duration_s_after=3612
    )
    html = page(owner, found.session)
    for words in ("2.4463<span", "2.4512<span", "(3,600 s)", "(3,612 s)"):
        assert words in html


@pytest.mark.parametrize(("decision", "energy", "said"), [("accept", 9, "accepted"), ("keep", 7, "kept")])
def test_a_decision_is_final_and_told(owner: Membership, decision: str, energy: int, said: str) -> None:
    found = corrected(owner)
    client, ask = factories.client_for(owner), reverse("session_correction", args=[found.pk])
    assert client.post(ask, {"decision": decision}).url == reverse("session", args=[found.session.public_id])
    found.refresh_from_db()
    assert (found.decision, Session.objects.get(pk=found.session_id).energy_kwh) == (said, energy)
    again = client.post(ask, {"decision": "accept"}, follow=True)
    assert [message.level_tag for message in again.context["messages"]] == ["success", "error"]
    html = page(owner, found.session)
    assert "Corrections decided" in html
    assert ask not in html


def test_without_a_decision_nothing_is_decided(owner: Membership) -> None:
    found = corrected(owner)
    assert factories.client_for(owner).post(reverse("session_correction", args=[found.pk])).status_code == 200
    found.refresh_from_db()
    assert found.decision == ""


def test_who_may_not_decide_sees_it_without_buttons(owner: Membership) -> None:
    found = corrected(owner)
    accountant = factories.member(Role.ACCOUNTANT, organisation=owner.organisation)
    html = page(accountant, found.session)
    assert "An operator can decide it." in html
    assert reverse("session_correction", args=[found.pk]) not in html


def test_it_waits_in_the_navigation_and_in_the_list(owner: Membership) -> None:
    found, actor = corrected(owner), factories.actor(owner)
    assert attention.counts(actor) == (1, 0)
    assert [item.href for item in attention.items(actor)] == [
        reverse("session", args=[found.session.public_id]) + "#correction"
    ]
    elsewhere = factories.member(Role.MANAGER, organisation=owner.organisation, site_ids=[])
    for other in (factories.actor(), factories.actor(elsewhere)):
        assert (attention.counts(other), attention.items(other)) == ((0, 0), [])
    factories.client_for(owner).post(reverse("session_correction", args=[found.pk]), {"decision": "keep"})
    assert (attention.counts(actor), attention.items(actor)) == ((0, 0), [])
