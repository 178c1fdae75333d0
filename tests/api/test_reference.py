"""The documentation page says what the schema says, to everybody, under the strict policy."""

import pytest
from django.test import Client
from django.urls import reverse

from api import reference
from config.middleware import CONTENT_SECURITY_POLICY
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db


def test_every_operation_stands_in_its_group_with_body_and_answers() -> None:
    groups = dict(reference.read().groups)
    assert [(one.method, one.path) for one in groups["sessions"]] == [
        ("GET", "/api/v1/sessions"),
        ("POST", "/api/v1/sessions"),
        ("GET", "/api/v1/sessions/{public_id}"),
        ("POST", "/api/v1/sessions/{public_id}/stop"),
    ]
    start = groups["sessions"][1]
    assert start.bodies[0] == (
        "A car at a connector", '{\n  "station": "HC-1042",\n  "connector": 1,\n  "reference": "van 7"\n}'
    )  # fmt: skip
    assert {answer.status for answer in start.answers} >= {"202", "401", "403", "422"}
    assert [answer.status for answer in start.answers if answer.example] == ["202"]
    forbidden = next(answer for answer in start.answers if answer.status == "403")
    assert forbidden.lines == (((True, "forbidden"), (False, ": The role of the key's owner does not allow it.")),)


def test_fields_say_their_type_in_words() -> None:
    shapes = dict(reference.read().shapes)
    session = {field.name: field.type for field in shapes["Session"]}
    assert session["energy_kwh"] == "string (decimal) or null"
    assert session["state"].startswith('"requested" | "unknown" | ')
    assert {field.name: field.type for field in shapes["SessionPage"]}["results"] == "list of Session"


def test_the_page_is_for_everybody_and_a_member_keeps_the_rail() -> None:
    outside, inside = Client(), factories.client_for(factories.member(Role.VIEWER))
    for client, is_member in ((outside, False), (inside, True)):
        answer = client.get(reverse("api_docs"))
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        html = answer.content.decode()
        assert 'id="start_session"' in html
        assert 'id="shape-Session"' in html
        assert ('class="nav"' in html) is is_member
