"""Webhooks as they really come: twice, garbled, forged, late or not at all."""

import pytest

from eevion import SessionStatus, UnexpectedPayload, parse_session_webhook
from tests.contract.vendor import Inbox, Vendor


def finish(vendor: Vendor, inbox: Inbox, token: str) -> str:
    """A session that completes at once; its webhook goes to `token`."""
    station, client = vendor.station(), vendor.client()
    vendor.order("plug", stationId=station, plan={"energy_kwh": 5, "duration_s": 600})
    session_id = client.start_session(station_id=station, webhook_url=inbox.url(token)).session_id
    vendor.advance(601)
    return session_id


def test_a_doubled_message_says_the_same_twice(vendor: Vendor, inbox: Inbox) -> None:
    vendor.fault("webhook.session", "doubled")
    session_id = finish(vendor, inbox, "a")
    first, second = map(parse_session_webhook, inbox.take("a", 2))
    assert first == second
    assert first.session_id == session_id


def test_a_garbled_message_is_unexpected_and_the_read_still_tells(vendor: Vendor, inbox: Inbox) -> None:
    vendor.fault("webhook.session", "malformed")
    session_id = finish(vendor, inbox, "a")
    with pytest.raises(UnexpectedPayload):
        parse_session_webhook(*inbox.take("a"))
    assert vendor.client().get_session(session_id).status is SessionStatus.COMPLETED


def test_a_forged_message_never_has_our_token(vendor: Vendor, inbox: Inbox) -> None:
    vendor.fault("webhook.session", "forged")
    session_id = finish(vendor, inbox, "an-unguessable-token")
    (body,) = inbox.take("an-unguessable-token")
    told, read = parse_session_webhook(body), vendor.client().get_session(session_id)
    assert (told.cost, told.energy_kwh) == (read.cost, read.energy_kwh)


def test_a_lost_message_is_made_good_by_a_read(vendor: Vendor, inbox: Inbox) -> None:
    vendor.fault("webhook.session", "lost")
    session_id = finish(vendor, inbox, "a")
    session = vendor.client().get_session(session_id)
    assert (session.status, session.energy_kwh) == (SessionStatus.COMPLETED, 5)
    assert inbox.paths() == []


def test_two_messages_may_come_in_the_wrong_order(vendor: Vendor, inbox: Inbox) -> None:
    vendor.fault("webhook.session", "reordered")
    first_id = finish(vendor, inbox, "first")
    second_id = finish(vendor, inbox, "second")
    assert parse_session_webhook(*inbox.take("first")).session_id == first_id
    assert parse_session_webhook(*inbox.take("second")).session_id == second_id
    assert inbox.paths() == ["/hooks/second", "/hooks/first"]
