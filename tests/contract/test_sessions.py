"""A session's life, told by the client and compared with what really happened."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from eevion import Rejected, SessionDocument, SessionStatus, parse_session_webhook
from tests.contract.vendor import Inbox, Vendor

PLAN = {"energy_kwh": 12.418, "duration_s": 7200}


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def told(session: SessionDocument) -> dict[str, Any]:
    """What a reading says, beside what the ledger says."""
    return {
        "sessionID": session.session_id,
        "stationId": session.station_id,
        "status": session.status,
        "cost": session.cost,
        "currency": session.currency,
        "energy": session.energy_kwh,
        "duration": session.duration_s,
        "startedAt": session.started_at,
        "completedAt": session.completed_at,
        "endReason": session.end_reason,
    }


def true(entry: dict[str, Any]) -> dict[str, Any]:
    times = {"startedAt": moment(entry["startedAt"]), "completedAt": moment(entry["completedAt"])}
    names = ("sessionID", "stationId", "status", "cost", "currency", "energy", "duration", "endReason")
    return {name: entry[name] for name in names} | times


def test_a_session_from_start_to_webhook(vendor: Vendor, inbox: Inbox) -> None:
    station, client = vendor.station(connectors=2), vendor.client()
    vendor.order("plug", stationId=station, connectorId=2, plan=PLAN)
    started = client.start_session(
        station_id=station, connector_id=2, external_reference="réf 7", webhook_url=inbox.url("a")
    )
    assert (started.station_id, started.status, started.http_status) == (station, SessionStatus.PENDING, 202)
    assert started.drift == ()

    vendor.advance(3600)
    reading = client.get_session(started.session_id)
    assert reading.status is SessionStatus.CHARGING
    assert reading.drift == ()
    assert reading.external_reference == "réf 7"
    assert reading.power_kw == Decimal("6.209")
    assert reading.duration_s is not None
    assert 3600 <= reading.duration_s < 3660
    assert Decimal("6.209") <= (reading.energy_kwh or 0) < Decimal("6.4")
    assert reading.measured_at == reading.updated_at

    vendor.advance(3601)
    (body,) = inbox.take("a")
    hint, final = parse_session_webhook(body), client.get_session(started.session_id)
    (entry,) = vendor.sessions(station)
    assert told(hint) == told(final) == true(entry)
    assert (hint.drift, final.drift) == ((), ())
    assert (final.status, final.energy_kwh) == (SessionStatus.COMPLETED, Decimal("12.418"))
    assert entry["connectorId"] == 2
    assert entry["requestedAt"] == entry["startedAt"]


def test_the_documented_order_start_first_and_plug_later(vendor: Vendor) -> None:
    station, client = vendor.station(), vendor.client()
    session_id = client.start_session(station_id=station).session_id
    waiting = client.get_session(session_id)
    assert (waiting.status, waiting.started_at, waiting.drift) == (SessionStatus.PENDING, None, ())
    vendor.order("plug", stationId=station)
    assert client.get_session(session_id).status is SessionStatus.CHARGING


def test_a_car_that_never_comes(vendor: Vendor, inbox: Inbox) -> None:
    station, client = vendor.station(start_limit_s=120), vendor.client()
    session_id = client.start_session(station_id=station, webhook_url=inbox.url("a")).session_id
    vendor.advance(121)
    session = client.get_session(session_id)
    assert (session.status, session.energy_kwh) == (SessionStatus.EXPIRED, 0)
    assert parse_session_webhook(*inbox.take("a")).status is SessionStatus.EXPIRED


def test_a_car_that_declines_is_suspended_with_its_reason(vendor: Vendor) -> None:
    station, client = vendor.station(), vendor.client()
    vehicle = {"capacity_kwh": 50, "soc": 0.2, "max_kw": 7, "declines_after_s": 60, "declines_for_s": 600}
    vendor.order("plug", stationId=station, vehicle=vehicle)
    session_id = client.start_session(station_id=station).session_id
    vendor.advance(120)
    session = client.get_session(session_id)
    assert (session.status, session.status_reason) == (SessionStatus.SUSPENDED, "SuspendedEV")
    assert (session.power_kw, session.drift) == (0, ())


def test_a_charger_that_withholds_is_suspended_with_its_reason(vendor: Vendor) -> None:
    station, client = vendor.station(), vendor.client()
    vendor.order("plug", stationId=station)
    session_id = client.start_session(station_id=station).session_id
    vendor.advance(60)
    vendor.order("withhold", stationId=station, for_s=600)
    session = client.get_session(session_id)
    assert (session.status, session.status_reason) == (SessionStatus.SUSPENDED, "SuspendedEVSE")


def test_stop_is_not_completion(vendor: Vendor, inbox: Inbox) -> None:
    station, client = vendor.station(), vendor.client()
    vendor.order("plug", stationId=station)
    session_id = client.start_session(station_id=station, webhook_url=inbox.url("a")).session_id
    vendor.advance(600)
    stopping = client.stop_session(session_id)
    assert (stopping.status, stopping.http_status, stopping.drift) == (SessionStatus.STOPPING, 202, ())
    vendor.advance(5)
    stopped = client.get_session(session_id)
    assert (stopped.status, stopped.completed_at, stopped.drift) == (SessionStatus.STOPPED, None, ())
    assert stopped.charging_ended_at is not None
    again = client.stop_session(session_id)
    assert (again.status, again.http_status) == (SessionStatus.STOPPED, 200)
    assert inbox.paths() == []

    vendor.order("unplug", stationId=station)
    completed = parse_session_webhook(*inbox.take("a"))
    assert (completed.status, completed.energy_kwh) == (SessionStatus.COMPLETED, stopped.energy_kwh)
    over = client.stop_session(session_id)
    assert (over.status, over.http_status) == (SessionStatus.COMPLETED, 200)


def test_a_stop_that_the_charger_refuses_goes_on(vendor: Vendor) -> None:
    station, client = vendor.station(), vendor.client()
    vendor.order("plug", stationId=station)
    session_id = client.start_session(station_id=station).session_id
    vendor.fault("session.stop", "refuse")
    with pytest.raises(Rejected) as caught:
        client.stop_session(session_id)
    assert caught.value.is_refused
    assert client.get_session(session_id).status is SessionStatus.CHARGING


def test_a_start_that_the_charger_gives_up_on(vendor: Vendor, inbox: Inbox) -> None:
    station, client = vendor.station(), vendor.client()
    vendor.fault("session", "failStart", stationId=station)
    session_id = client.start_session(station_id=station, webhook_url=inbox.url("a")).session_id
    assert parse_session_webhook(*inbox.take("a")).status is SessionStatus.FAILED
    assert client.get_session(session_id).status is SessionStatus.FAILED


@pytest.mark.parametrize(
    ("spoil", "kind", "code"),
    [
        ("nothing", "is_unknown", "notFound"),
        ("busy", "is_conflict", "inSession"),
        ("offline", "is_refused", "offline"),
        ("faulted", "is_refused", "faulted"),
        ("connector", "is_invalid", "invalid"),
    ],
)
def test_a_refused_start_says_why_and_leaves_no_session(vendor: Vendor, spoil: str, kind: str, code: str) -> None:
    station, client = vendor.station(), vendor.client()
    before = 0
    if spoil == "busy":
        client.start_session(station_id=station)
        before = 1
    if spoil in ("offline", "faulted"):
        vendor.order("break", stationId=station, kind=spoil)
    with pytest.raises(Rejected) as caught:
        client.start_session(
            station_id="HC-nowhere" if spoil == "nothing" else station, connector_id=9 if spoil == "connector" else 1
        )
    assert getattr(caught.value, kind)
    assert caught.value.code == code
    assert len(vendor.sessions(station)) == before


def test_an_unknown_session_is_unknown(vendor: Vendor) -> None:
    client = vendor.client()
    for call in (client.get_session, client.stop_session):
        with pytest.raises(Rejected) as caught:
            call("ses_nowhere")
        assert caught.value.is_unknown


def test_a_silent_station_keeps_its_news_until_it_is_back(vendor: Vendor, inbox: Inbox) -> None:
    station, client = vendor.station(), vendor.client()
    vendor.order("plug", stationId=station, plan=PLAN)
    session_id = client.start_session(station_id=station, webhook_url=inbox.url("a")).session_id
    vendor.advance(60)
    vendor.order("break", stationId=station, kind="offline")
    old = client.get_session(session_id)
    vendor.advance(7200)
    assert told(client.get_session(session_id)) == told(old)
    assert inbox.paths() == []
    vendor.order("repair", stationId=station)
    late = parse_session_webhook(*inbox.take("a"))
    assert (late.status, late.energy_kwh) == (SessionStatus.COMPLETED, Decimal("12.418"))
