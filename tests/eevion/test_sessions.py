"""Sessions as the vendor tells them, in every shape it may choose."""

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eevion import Drift, DriftKind, SessionDocument, SessionStatus, UnexpectedPayload, dump, parse_session_webhook

FULL = {
    "sessionID": "ses_01",
    "stationId": "HC-1042",
    "status": "charging",
    "statusReason": None,
    "cost": 4.35,
    "currency": "CAD",
    "energy": 12.418,
    "power": 6.9,
    "duration": 6480,
    "startedAt": "2026-01-08T17:02:11Z",
    "updatedAt": "2026-01-08T18:50:11Z",
    "chargingEndedAt": None,
    "completedAt": None,
    "endReason": None,
    "externalReference": "ref-7",
    "connectorId": 2,
}
FIELDS = {
    "stationId": "station_id",
    "status": "status",
    "cost": "cost",
    "currency": "currency",
    "energy": "energy_kwh",
    "power": "power_kw",
    "duration": "duration_s",
    "startedAt": "started_at",
    "updatedAt": "updated_at",
    "externalReference": "external_reference",
    "connectorId": "connector_id",
}


def parse(**changes: object) -> SessionDocument:
    return parse_session_webhook(json.dumps(FULL | changes).encode())


def test_a_full_document_is_read_without_drift() -> None:
    session = parse()
    assert session == SessionDocument(
        session_id="ses_01",
        station_id="HC-1042",
        status=SessionStatus.CHARGING,
        status_text="charging",
        status_reason=None,
        cost=Decimal("4.35"),
        currency="CAD",
        energy_kwh=Decimal("12.418"),
        power_kw=Decimal("6.9"),
        duration_s=6480,
        started_at=datetime(2026, 1, 8, 17, 2, 11, tzinfo=UTC),
        updated_at=datetime(2026, 1, 8, 18, 50, 11, tzinfo=UTC),
        charging_ended_at=None,
        completed_at=None,
        end_reason=None,
        external_reference="ref-7",
        connector_id=2,
        raw=session.raw,
        drift=(),
    )
    assert json.loads(dump(session.raw)) == FULL


def test_a_lone_id_is_a_document_that_says_nothing() -> None:
    session = parse_session_webhook(b'{"sessionID":"ses_01"}')
    assert {getattr(session, field) for field in FIELDS.values()} == {None}
    assert session.measured_at is None
    assert session.drift == (Drift("status", DriftKind.MISSING, ""),)


@pytest.mark.parametrize("body", [b"{}", b'{"sessionID":null}', b'{"sessionID":""}', b'{"sessionID":{}}'])
def test_a_document_without_its_id_is_unexpected(body: bytes) -> None:
    with pytest.raises(UnexpectedPayload, match="sessionID"):
        parse_session_webhook(body)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, datetime(2026, 1, 8, 18, 50, 11, tzinfo=UTC)),
        ({"updatedAt": None}, datetime(2026, 1, 8, 18, 50, 11, tzinfo=UTC)),
        ({"updatedAt": None, "duration": 60}, datetime(2026, 1, 8, 17, 3, 11, tzinfo=UTC)),
        ({"updatedAt": None, "duration": None}, None),
        ({"updatedAt": "?", "startedAt": None}, None),
    ],
)
def test_the_moment_of_a_reading(changes: dict, wanted: datetime | None) -> None:
    assert parse(**changes).measured_at == wanted


@pytest.mark.parametrize(
    ("key", "value", "kind", "sample"),
    [
        ("status", "hibernating", DriftKind.UNKNOWN_VALUE, '"hibernating"'),
        ("status", None, DriftKind.MISSING, ""),
        ("status", {"now": 1}, DriftKind.BAD_VALUE, '{"now": 1}'),
        ("cost", -1, DriftKind.BAD_VALUE, "-1"),
        ("cost", "4,35", DriftKind.BAD_VALUE, '"4,35"'),
        ("currency", "$", DriftKind.BAD_VALUE, '"$"'),
        ("energy", float("nan"), DriftKind.BAD_VALUE, '"NaN"'),
        ("energy", 1e300, DriftKind.BAD_VALUE, '"1e+300"'),
        ("power", float("inf"), DriftKind.BAD_VALUE, '"Infinity"'),
        ("duration", True, DriftKind.BAD_VALUE, "true"),
        ("startedAt", "2026-01-08T17:02:11", DriftKind.BAD_VALUE, '"2026-01-08T17:02:11"'),
        ("updatedAt", 1767891731, DriftKind.BAD_VALUE, "1767891731"),
        ("connectorId", 1.5, DriftKind.BAD_VALUE, "1.5"),
        ("externalReference", "x" * 300, DriftKind.BAD_VALUE, '"' + "x" * 119),
    ],
)
def test_a_value_nobody_can_read_is_not_said_and_noted(key: str, value: object, kind: DriftKind, sample: str) -> None:
    session = parse(**{key: value})
    assert session.drift == (Drift(key, kind, sample),)
    assert getattr(session, FIELDS[key]) is None
    good = parse()
    others = [field for field in FIELDS.values() if field != FIELDS[key]]
    assert [getattr(session, field) for field in others] == [getattr(good, field) for field in others]


def test_an_unknown_status_keeps_its_text() -> None:
    assert (parse(status="hibernating").status, parse(status="hibernating").status_text) == (None, "hibernating")


def test_unknown_keys_survive_and_are_noted() -> None:
    session = parse(vehicle={"soc": 0.5})
    assert session.drift == (Drift("vehicle", DriftKind.UNKNOWN_KEY, '{"soc": 0.5}'),)
    assert session.raw["vehicle"] == {"soc": Decimal("0.5")}


VALUES: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just([]) | st.just({})
)


@given(st.dictionaries(st.sampled_from(sorted(FULL.keys() - {"sessionID"})) | st.text(max_size=9), VALUES))
def test_whatever_else_stands_there_nothing_crashes_and_the_rest_stays_right(changes: dict) -> None:
    changes.pop("sessionID", None)
    session = parse(**changes)
    good = parse()
    for key, field in FIELDS.items():
        if key not in changes:
            assert getattr(session, field) == getattr(good, field)
    assert {field.path for field in session.drift} <= {
        key.replace("\x00", "\ufffd") for key in (*changes, "status", "currency")
    }


@given(st.decimals(0, 100_000, places=4), st.booleans())
def test_a_figure_is_the_same_as_number_and_as_text(number: Decimal, is_text: bool) -> None:
    document = copy.copy(FULL)
    said = json.dumps(str(number)) if is_text else str(number)
    document.pop("energy")
    body = json.dumps(document)[:-1] + f', "energy": {said}}}'
    assert str(parse_session_webhook(body.encode()).energy_kwh) == str(number)
