"""Rubbish through the webhooks' doors, as the network brings it: taken or refused at once, and shown to a person."""

import pytest
import requests

from tests.hardship.house import House, send, until

pytestmark = pytest.mark.slow
TOO_LONG = "The message is too long; only its beginning was kept."
TOO_DEEP = "The document is nested deeper than 64 levels."
NO_JSON = "The document is not JSON."
NO_OBJECT = "The document is not a JSON object."
RUBBISH = {
    "a megabyte": (b"\xff\x00rubbish" * 116_509, TOO_LONG),
    "twelve megabytes": (b"x" * 12_000_000, TOO_LONG),  # more than any buffer between us: read to its end, or reset
    "deep lists": (b"[" * 10_000, TOO_DEEP),
    "deep objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, TOO_DEEP),
    "a NUL": (b'{"exceptionId": "a\x00"}', NO_JSON),
    "a list": (b"[1, 2]", NO_OBJECT),
    "nothing": (b"", NO_JSON),
    "a nameless one": (b'{"type": "stationOffline"}', "The document has no exceptionId."),
}
# What can be made use of is; what cannot be a value is left out and noted as drift.
ODD = {
    "escaped-nul": b'{"exceptionId": "escaped-nul", "message": "a\\u0000b"}',
    "no-utf-8": b'{"exceptionId": "no-utf-8", "message": "a\xff\xfeb"}',
    "no-numbers": b'{"exceptionId": "no-numbers", "connectorId": NaN, "startedAt": Infinity, "severity": -Infinity}',
    "negative": b'{"exceptionId": "negative", "connectorId": -4, "startedAt": "9999-99-99"}',
    "huge": b'{"exceptionId": "huge", "connectorId": 1e400, "message": ' + b"9" * 5000 + b"}",
}


def test_rubbish_is_kept_with_its_reason_and_odd_documents_are_used(house: House) -> None:
    url = house.exception_url
    before = house.rows("SELECT coalesce(max(id), 0) FROM fleet_rawmessage")[0][0]
    answers = {name: send(url, body).status for name, body in ODD.items()}
    answers |= {name: send(url, body).status for name, (body, _error) in RUBBISH.items()}
    assert set(answers.values()) == {200}
    tried = "SELECT count(*) FROM fleet_rawmessage WHERE id > %s AND (attempts > 0 OR digested_at IS NOT NULL)"
    until(lambda: house.rows(tried, before)[0][0] == len(ODD) + len(RUBBISH), "every message was tried")
    errors = house.rows("SELECT error FROM fleet_rawmessage WHERE id > %s AND digested_at IS NULL ORDER BY id", before)
    assert [error for (error,) in errors] == [error for _body, error in RUBBISH.values()]
    names = house.rows(
        "SELECT vendor_exception_id FROM charging_stationexception WHERE vendor_exception_id = ANY(%s)", list(ODD)
    )
    assert {name for (name,) in names} == set(ODD)
    house.rows("DELETE FROM fleet_rawmessage WHERE id > %s AND digested_at IS NULL RETURNING id", before)


def test_a_wrong_token_is_a_plain_404_whatever_the_body(house: House) -> None:
    url = house.exception_url
    bodies = (b'{"asked": "nobody"}', b"\xff" * 1_048_576, b"(" * 10_000)
    for wrong in (url[:-1], url + "x", url.replace("/exceptions/", "/jobs/"), url[: url.rindex("/") + 1] + "%00%ff"):
        for body in bodies:
            answer = send(wrong, body)
            assert (answer.status, answer.body) == (404, b"not found\n")
    kept = "SELECT count(*) FROM fleet_rawmessage WHERE substr(body, 1, 9) = ANY(%s)"
    assert house.rows(kept, [body[:9] for body in bodies]) == [(0,)]


def test_a_message_of_unknown_length_is_taken_whole(house: House) -> None:
    """Sent in chunks, without Content-Length; Django alone takes such a body as empty."""
    parts = (b'{"exceptionId": ', b'"in-chunks"}')
    answer = requests.post(house.exception_url, data=iter(parts), timeout=20)
    assert answer.status_code == 200
    named = "SELECT count(*) FROM charging_stationexception WHERE vendor_exception_id = 'in-chunks'"
    until(lambda: house.rows(named)[0][0] == 1, "the message was digested")


def test_a_form_that_is_too_long_is_answered_with_a_page(house: House) -> None:
    page = f"{house.stack.url}/accounts/login/"
    for connection in ("close", "keep-alive"):
        person = requests.Session()
        person.get(page, timeout=20)
        answer = person.post(page, data={"login": "x" * 12_000_000}, headers={"Connection": connection}, timeout=20)
        assert answer.status_code == 400
        assert "That is too long" in answer.text
