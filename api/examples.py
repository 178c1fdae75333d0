"""Examples of the schema: one story, a van that charges at the harbour. Held to the serializers by a test."""

from typing import Any

SITE: dict[str, Any] = {
    "id": 3, "name": "Harbour", "timezone": "America/Toronto", "currency": "CAD", "address": "1 Quay Street",
    "latitude": "43.63980", "longitude": "-79.38140", "grid_limit_kw": "120.0",
}  # fmt: skip
TARIFF: dict[str, Any] = {
    "fee_id": "fee_l2_public", "name": "Level 2, public", "currency": "CAD", "price_per_kwh": "0.3500",
    "price_per_minute": "0.0000", "price_per_start": "1.0000",
}  # fmt: skip
CONNECTOR: dict[str, Any] = {
    "number": 1, "state": "in_session", "detail": "charging", "source": "session", "since": "2026-06-01T16:02:11Z",
    "until": None,
}  # fmt: skip
STATION: dict[str, Any] = {
    "id": 41, "station": "HC-1042", "name": "North wall", "site": 3, "level": 2, "rated_kw": "7.20",
    "lifecycle": "active", "last_seen_at": "2026-06-01T17:50:11Z", "tariff": TARIFF, "connectors": [CONNECTOR],
}  # fmt: skip
SESSION: dict[str, Any] = {
    "id": "5f0c2a4e-8f0d-4b57-9a55-0d8a3f6f1c20", "state": "charging", "status_reason": "", "site": 3,
    "station": "HC-1042", "station_id": 41, "connector": 1, "reference": "van 7", "origin": "api", "error": "",
    "energy_kwh": "12.418", "power_kw": "6.900", "duration_s": 6480, "cost": "5.3463", "currency": "CAD",
    "end_reason": "", "requested_at": "2026-06-01T16:01:58Z", "accepted_at": "2026-06-01T16:01:59Z",
    "started_at": "2026-06-01T16:02:11Z", "charging_ended_at": None, "completed_at": None, "ended_at": None,
    "final_at": None, "stop_state": "", "stop_error": "",
}  # fmt: skip
RULE: dict[str, Any] = {
    "kind": "energy", "amount": "20.0000", "for_minutes": None, "at_time": None, "words": "at 20 kWh",
    "state": "waiting", "why": "about 12.5 kWh so far", "expected_at": "2026-06-01T18:56:04Z", "suspected_at": None,
    "fired_at": None, "given_by": "driver app (API)",
}  # fmt: skip
FIRED = RULE | {
    "state": "fired", "why": "Stop rule at 20 kWh: 20.004 kWh read at 14:55 EDT.", "expected_at": None,
    "suspected_at": "2026-06-01T18:55:50Z", "fired_at": "2026-06-01T18:55:52Z",
}  # fmt: skip
SESSION_WITH_RULES = SESSION | {"stop_rules": [RULE]}
STARTED = SESSION_WITH_RULES | {
    "state": "requested", "energy_kwh": None, "power_kw": None, "duration_s": None, "cost": None, "accepted_at": None,
    "started_at": None, "stop_rules": [RULE | {"why": "no energy is known yet", "expected_at": None}],
}  # fmt: skip
STOPPING = SESSION | {"energy_kwh": "20.004", "stop_state": "wanted", "stop_rules": [FIRED]}
ITEM: dict[str, Any] = {
    "station": "HC-1042", "station_id": 41, "kind": "priorityStatus", "value": "unavailable", "state": "observed",
    "error": "", "error_code": "", "evidence": "a start was refused", "sent_at": "2026-06-01T18:00:01Z",
    "accepted_at": "2026-06-01T18:00:02Z", "timed_out_at": None, "finished_at": "2026-06-01T18:00:09Z",
    "observed_at": "2026-06-01T18:41:30Z",
}  # fmt: skip
COMMAND_SUMMARY: dict[str, Any] = {
    "id": "0b9f6a3e-3f0f-4f0e-8a37-5b1f6f0a9f11", "values": {"priorityStatus": "unavailable"},
    "origin": "api", "requested_by": "driver app (API)", "requested_at": "2026-06-01T18:00:00Z",
}  # fmt: skip
NOT_SENT = {"state": "queued", "evidence": ""} | dict.fromkeys(
    ("sent_at", "accepted_at", "timed_out_at", "finished_at", "observed_at")
)
COMMAND = COMMAND_SUMMARY | {"items": [ITEM]}
QUEUED = COMMAND_SUMMARY | {"items": [ITEM | NOT_SENT]}

START = {
    "A car at a connector": {"station": "HC-1042", "connector": 1, "reference": "van 7"},
    "Any free connector": {"station": 41, "reference": "order 20260601-17"},
    "With stop rules of its own": {
        "station": "HC-1042",
        "reference": "van 7",
        "stop_rules": [
            {"kind": "energy", "amount": "20"},
            {"kind": "money", "amount": "15.00"},
            {"kind": "minutes", "amount": 90},
            {"kind": "clock", "at_time": "07:00"},
            {"kind": "low_power", "amount": "1.4", "for_minutes": 15},
            {"kind": "idle", "for_minutes": 20},
        ],
    },
    "Without any stop rule": {"station": "HC-1042", "reference": "van 7", "stop_rules": []},
}
COMMANDS = {
    "Close two stations": {
        "stations": ["HC-1042", 42],
        "priorityStatus": "unavailable",
        "setMessage": "Lot closed on Sunday",
    },
    "Clear the message": {"stations": ["HC-1042"], "setMessage": ""},
}


def page(row: dict[str, Any]) -> dict[str, Any]:
    return {"next": None, "previous": None, "results": [row]}


def error(code: str, message: str) -> dict[str, Any]:
    body: dict[str, Any] = {"code": code, "message": message}
    if code == "invalid":
        body["fields"] = {"station": ["This field is required."]}
    return {"error": body}
