"""What every request gets: an id of its own, in the answer and in its lines, and none in the lines after it."""

import pytest
import structlog
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("given", "kept"), [("abc-1.2_3", True), ("", False), ("a b", False), ("x" * 65, False)])
def test_a_proxys_id_is_taken_if_it_looks_like_one(given: str, kept: bool) -> None:
    answer = Client(headers={"X-Request-ID": given}).get("/healthz")
    assert (answer.headers["X-Request-ID"] == given) == kept
    assert answer.headers["X-Request-ID"]


def test_the_id_ends_with_its_request() -> None:
    Client().get("/healthz").close()
    assert structlog.contextvars.get_contextvars() == {}
