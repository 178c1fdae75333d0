"""Which error an answer stands for, and that no error gives a secret away."""

import logging
import pickle
import traceback

import pytest

from eevion import EevionError, OutcomeUnknown, RateLimited, Rejected, UnexpectedPayload, verdict
from eevion.transport import Answer
from tests.eevion.peer import KEY

HOOK = "https://chargehand.example.com/hooks/sessions/t0ken-of-this-attempt"


def judge(status: int, body: bytes = b"", headers: dict[str, str] | None = None, broken: str = "") -> object:
    answer = Answer(status, headers or {}, body, broken)
    return verdict.payload(answer, lambda document, status: (status, document), secrets=(KEY, HOOK))


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_good_answer_is_its_document(status: int) -> None:
    assert judge(status, b'{"a":1}') == (status, {"a": 1})


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (101, UnexpectedPayload),
        (301, UnexpectedPayload),
        (302, UnexpectedPayload),
        (303, UnexpectedPayload),
        (308, UnexpectedPayload),
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (404, Rejected),
        (405, Rejected),
        (408, OutcomeUnknown),
        (409, Rejected),
        (422, Rejected),
        (429, RateLimited),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (504, OutcomeUnknown),
        (999, OutcomeUnknown),
    ],
)
def test_each_status_has_one_consequence(status: int, error: type[EevionError]) -> None:
    with pytest.raises(error) as caught:
        judge(status, b'{"error":{"code":"no","message":"Not now."}}')
    assert type(caught.value) is error
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "is_invalid"),
        (401, "is_auth"),
        (403, "is_auth"),
        (404, "is_unknown"),
        (409, "is_conflict"),
        (422, "is_refused"),
        (418, None),
    ],
)
def test_a_rejection_says_what_kind_it_is(status: int, said: str | None) -> None:
    with pytest.raises(Rejected) as caught:
        judge(status)
    names = ("is_invalid", "is_auth", "is_unknown", "is_conflict", "is_refused")
    assert [name for name in names if getattr(caught.value, name)] == ([said] if said else [])


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"error":{"code":"unknown_station","message":"No such station."}}', "unknown_station", "No such station."),
        (b'{"error":{"code":17,"message":null}}', "17", "The vendor refused (status 400)."),
        (b'{"code":"x","message":"Flat."}', "x", "Flat."),
        (b'{"error":"Just text."}', None, "Just text."),
        (b'{"error":{"code":{},"message":[]}}', None, "The vendor refused (status 400)."),
        (b"<html>No</html>", None, "The vendor refused (status 400)."),
        (b"\xff\xfe", None, "The vendor refused (status 400)."),
        (b"[" * 10_000, None, "The vendor refused (status 400)."),
        (b"", None, "The vendor refused (status 400)."),
    ],
)
def test_code_and_message_are_found_or_replaced(body: bytes, code: str | None, message: str) -> None:
    with pytest.raises(Rejected) as caught:
        judge(400, body)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert caught.value.body == body.decode("utf-8", errors="replace")[:2000]


@pytest.mark.parametrize(
    ("headers", "wanted_s"),
    [
        ({}, 60),
        ({"retry-after": "17"}, 17),
        ({"retry-after": " 0 "}, 1),
        ({"retry-after": "86400"}, 3600),
        ({"retry-after": "9" * 5000}, 3600),
        ({"retry-after": "-5"}, 60),
        ({"retry-after": "1.5"}, 60),
        ({"retry-after": "²"}, 60),
        ({"retry-after": "soon"}, 60),
        ({"retry-after": "Thu, 08 Jan 2026 17:02:41 GMT", "date": "Thu, 08 Jan 2026 17:02:11 GMT"}, 30),
        ({"retry-after": "Thu, 08 Jan 2026 17:02:11 GMT", "date": "Thu, 08 Jan 2026 17:02:41 GMT"}, 1),
        ({"retry-after": "Thu, 08 Jan 2026 17:02:41 GMT"}, 60),
    ],
)
def test_retry_after_is_read_or_sixty(headers: dict[str, str], wanted_s: int) -> None:
    with pytest.raises(RateLimited) as caught:
        judge(429, b"", headers)
    assert caught.value.retry_after_s == wanted_s
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("body", [b"", b"OK", b"null", b"[]", b'"x"', b"1", b"<html>", b'{"a":', b"\x00" * 100])
def test_an_unreadable_yes_may_have_happened(body: bytes) -> None:
    with pytest.raises(UnexpectedPayload) as caught:
        judge(202, body)
    assert isinstance(caught.value, OutcomeUnknown)
    assert caught.value.may_have_happened
    assert caught.value.status == 202


@pytest.mark.parametrize("status", [202, 302, 400, 429, 500])
def test_secrets_that_the_vendor_quotes_are_hidden(status: int, caplog: pytest.LogCaptureFixture) -> None:
    escaped = HOOK.replace("/", "\\/")
    body = f"bad {KEY} {HOOK} {escaped} {'x' * 1900} {KEY}".encode()
    with pytest.raises(EevionError) as caught:
        judge(status, body)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").error("failed", exc_info=caught.value)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.body + caplog.text
    assert KEY[:12] not in shown
    assert "t0ken" not in shown
    assert caught.value.body.startswith("bad [hidden] [hidden] [hidden] x")


def test_secrets_in_code_and_message_are_hidden() -> None:
    with pytest.raises(Rejected) as caught:
        judge(401, f'{{"error":{{"code":"{KEY}","message":"{KEY} is no key"}}}}'.encode())
    assert (caught.value.code, caught.value.message) == ("[hidden]", "[hidden] is no key")


def test_errors_survive_a_process_boundary() -> None:
    with pytest.raises(RateLimited) as caught:
        judge(429, b'{"error":{"code":"c","message":"m"}}', {"retry-after": "5"})
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 our own bytes
    assert (str(copy), copy.status, copy.code, copy.retry_after_s) == ("m", 429, "c", 5)
