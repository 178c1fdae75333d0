"""Documents are bounded, storable and come back digit for digit."""

import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eevion import UnexpectedPayload, document

SCALARS = st.none() | st.booleans() | st.integers(-(10**38), 10**38) | st.decimals(-999, 999, places=4) | st.text()
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


def is_storable(text: str) -> bool:
    return not any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in text)


@given(st.dictionaries(st.text().filter(lambda key: not key.lower().startswith("webhook")), TREES, max_size=5))
def test_what_is_written_is_read_back(tree: dict) -> None:
    text = document.dump(tree)
    assert is_storable(json.dumps(json.loads(text)))
    if is_storable(repr(tree)) and "\x00" not in text and "\\u0000" not in text and "\\ud" not in text:
        assert document.decode(text.encode()) == tree


@given(st.binary(max_size=300))
def test_any_bytes_are_a_document_or_unexpected(body: bytes) -> None:
    try:
        said = document.decode(body)
    except UnexpectedPayload:
        return
    assert isinstance(said, dict)


@pytest.mark.parametrize(
    "text", ["12.40", "0.1", "123456789.123456789123456789", "1E+3", "-0.0", "1e-7", "100000000000000000000"]
)
def test_numbers_keep_their_digits(text: str) -> None:
    number = document.decode(b'{"n":%s}' % text.encode())["n"]
    assert str(Decimal(str(number))) == str(Decimal(text))
    assert document.decode(document.dump({"n": number}).encode()) == {"n": number}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("9" * 5000, "9" * 5000),
        ("1e999999999", "1e999999999"),
        ("1e-99999999999999999999999", "1e-99999999999999999999999"),
        ("0." + "1" * 100, "0." + "1" * 100),
    ],
)
def test_numbers_no_database_takes_are_kept_as_text(text: str, kept: str) -> None:
    assert document.decode(b'{"n":%s}' % text.encode()) == {"n": kept}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"a":"x\\u0000y"}', {"a": "x\ufffdy"}),
        (b'{"a\\u0000":[{"b":"\\ud800"}]}', {"a\ufffd": [{"b": "\ufffd"}]}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a":"caf\xe9"}', {"a": "caf\ufffd"}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
    ],
)
def test_text_no_database_takes_is_replaced(body: bytes, wanted: dict) -> None:
    assert document.decode(body) == wanted


def test_our_webhook_addresses_are_hidden_wherever_they_stand() -> None:
    body = b'{"webhookOnSessionComplete":"https://c/h/t0ken","x":[{"WebhookOnJobFinished":["t0ken"]}],"webhookY":null}'
    assert document.decode(body) == {
        "webhookOnSessionComplete": "[hidden]",
        "x": [{"WebhookOnJobFinished": "[hidden]"}],
        "webhookY": None,
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{'a':1}",
        b'{"a":1}{"b":2}',
        b"<html></html>",
        '{"a":1}'.encode("utf-16"),
        b"[" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"x" * 1_048_577,
        b'{"a":"' + b"x" * 1_048_577 + b'"}',
    ],
)
def test_rubbish_is_unexpected(body: bytes) -> None:
    with pytest.raises(UnexpectedPayload) as caught:
        document.decode(body)
    assert len(caught.value.body) <= 2000
    assert is_storable(caught.value.body)


def test_sixty_four_levels_are_read_and_brackets_in_texts_do_not_count() -> None:
    deep = b'{"a":' * 64 + b"1" + b"}" * 64
    assert document.dump(document.decode(deep)) == deep.decode().replace(":", ": ")
    assert document.decode(b'{"a":"' + b"[" * 1000 + b'\\"' + b"{" * 1000 + b'"}')["a"] == "[" * 1000 + '"' + "{" * 1000


@pytest.mark.parametrize(
    "body",
    [b'"' * 1_000_000, b'\\"' * 500_000, b'"\\' * 500_000, b"[]" * 500_000, b'{"a":"' + b'\\"' * 500_000],
    ids=["quotes", "escaped quotes", "open escapes", "brackets", "unclosed text"],
)
def test_a_megabyte_of_malice_costs_little_time(body: bytes) -> None:
    before = time.process_time()
    with pytest.raises(UnexpectedPayload):
        document.decode(body)
    assert time.process_time() - before < 3
