"""Exceptions, posted and listed."""

from eevion import Client, ExceptionType, parse_exception_webhook
from tests.contract.vendor import Inbox, Vendor


def test_a_fault_is_posted_and_listed_when_it_comes_and_when_it_goes(vendor: Vendor, inbox: Inbox) -> None:
    station, key, since = vendor.station(connectors=2), vendor.key(), vendor.now()
    client = Client(vendor.url, key)
    vendor.order("exception-webhook", key=key, url=inbox.url("e"))
    vendor.order("break", stationId=station, connectorId=2, kind="faulted", errorCode="OverVoltage")
    opened = parse_exception_webhook(*inbox.take("e"))
    assert (opened.type, opened.station_id, opened.connector_id) == (ExceptionType.CONNECTOR_FAULTED, station, 2)
    assert (opened.error_code, opened.cleared_at, opened.drift) == ("OverVoltage", None, ())
    assert opened.started_at is not None
    assert opened.severity
    assert opened.message
    assert [e for e in client.list_exceptions(since=since).exceptions if e.station_id == station] == [opened]

    vendor.advance(60)
    vendor.order("repair", stationId=station, connectorId=2)
    cleared = parse_exception_webhook(inbox.take("e", 2)[1])
    assert (cleared.exception_id, cleared.started_at) == (opened.exception_id, opened.started_at)
    assert cleared.cleared_at is not None
    assert cleared.cleared_at > opened.started_at
    page = client.list_exceptions(since=since)
    assert [e for e in page.exceptions if e.station_id == station] == [cleared]
    assert page.drift == ()
    vendor.order("exception-webhook", key=key, url="")


def test_a_session_that_is_interrupted_is_named(vendor: Vendor) -> None:
    station, client, since = vendor.station(), vendor.client(), vendor.now()
    vendor.order("plug", stationId=station)
    session_id = client.start_session(station_id=station).session_id
    vendor.order("break", stationId=station, kind="faulted")
    found = [e for e in client.list_exceptions(since=since).exceptions if e.session_id == session_id]
    assert [e.type for e in found] == [ExceptionType.SESSION_INTERRUPTED]


def test_a_failed_start_and_a_refused_stop_are_named(vendor: Vendor) -> None:
    station, client, since = vendor.station(), vendor.client(), vendor.now()
    vendor.fault("session", "failStart", stationId=station)
    failed_id = client.start_session(station_id=station).session_id
    found = [e for e in client.list_exceptions(since=since).exceptions if e.station_id == station]
    assert [(e.type, e.session_id) for e in found] == [(ExceptionType.SESSION_START_FAILED, failed_id)]


def test_the_list_comes_in_pages(vendor: Vendor) -> None:
    station, client, since = vendor.station(connectors=5), vendor.client(), vendor.now()
    vendor.order("settings", page_rows=2)
    try:
        vendor.order("break", stationId=station, kind="faulted")
        pages = [client.list_exceptions(since=since)]
        while pages[-1].next_cursor is not None:
            pages.append(client.list_exceptions(since=since, cursor=pages[-1].next_cursor))
    finally:
        vendor.order("settings", page_rows=200)
    found = [e for page in pages for e in page.exceptions if e.station_id == station]
    assert [e.connector_id for e in found] == [1, 2, 3, 4, 5]
