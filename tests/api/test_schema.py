"""The schema names every route; the docs need nothing from elsewhere."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from api import examples, serializers

pytestmark = pytest.mark.django_db


def test_schema_has_every_route_and_the_key(capfd: pytest.CaptureFixture[str]) -> None:
    answer = Client().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    schema = json.loads(answer.content)
    assert "Warning" not in capfd.readouterr().err
    assert {path: sorted(item) for path, item in schema["paths"].items()} == {
        "/api/v1/sites": ["get"],
        "/api/v1/sites/{id}": ["get"],
        "/api/v1/stations": ["get"],
        "/api/v1/stations/{id}": ["get"],
        "/api/v1/sessions": ["get", "post"],
        "/api/v1/sessions/{public_id}": ["get"],
        "/api/v1/sessions/{public_id}/stop": ["post"],
        "/api/v1/commands": ["get", "post"],
        "/api/v1/commands/{public_id}": ["get"],
    }
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert schema["components"]["schemas"]["Session"]["properties"]["energy_kwh"]["type"] == "string"


def test_docs_are_offline_and_without_inline_script() -> None:
    answer = Client().get("/api/v1/docs/")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "https://" not in text
    assert "<script>" not in text
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]


# --- examples and refusals are held to what the API says --------------------------------------------------------------
SHAPES = [
    (serializers.Site, examples.SITE),
    (serializers.Station, examples.STATION),
    (serializers.StationTariff, examples.TARIFF),
    (serializers.ConnectorState, examples.CONNECTOR),
    (serializers.Session, examples.SESSION),
    (serializers.SessionWithRules, examples.SESSION_WITH_RULES),
    (serializers.SessionWithRules, examples.STARTED),
    (serializers.SessionWithRules, examples.STOPPING),
    (serializers.StopRule, examples.RULE),
    (serializers.StopRule, examples.FIRED),
    (serializers.CommandSummary, examples.COMMAND_SUMMARY),
    (serializers.Command, examples.COMMAND),
    (serializers.CommandItem, examples.ITEM),
]


@pytest.mark.parametrize(("shape", "example"), SHAPES)
def test_an_example_has_the_fields_of_its_shape(shape: Any, example: dict[str, Any]) -> None:
    assert list(example) == list(shape().fields)


def test_examples_of_requests_are_taken() -> None:
    for shape, asked in ((serializers.SessionStart, examples.START), (serializers.CommandRequest, examples.COMMANDS)):
        for body in asked.values():
            assert shape(data=body).is_valid(raise_exception=True)


def test_every_operation_names_its_refusals() -> None:
    answer = Client().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    paths = json.loads(answer.content)["paths"]
    found = {what["operationId"]: sorted(what["responses"]) for item in paths.values() for what in item.values()}
    always, one, many, body = ["401", "403", "429", "503"], ["404"], ["400"], ["400", "413", "415"]
    assert found == {
        "list_sites": sorted(["200", *many, *always]),
        "get_site": sorted(["200", *one, *always]),
        "list_stations": sorted(["200", *many, *always]),
        "get_station": sorted(["200", *one, *always]),
        "list_sessions": sorted(["200", *many, *one, "422", *always]),
        "start_session": sorted(["202", *body, *one, "409", "422", *always]),
        "get_session": sorted(["200", *one, *always]),
        "stop_session": sorted(["202", *one, "409", *always]),
        "list_commands": sorted(["200", *many, *always]),
        "request_command": sorted(["202", *body, *one, "422", *always]),
        "get_command": sorted(["200", *one, *always]),
    }
    refusal = paths["/api/v1/sessions"]["post"]["responses"]["409"]["content"]["application/json"]
    assert refusal["schema"] == {"$ref": "#/components/schemas/ErrorBody"}
    assert sorted(example["value"]["error"]["code"] for example in refusal["examples"].values()) == [
        "blocked",
        "in_session",
    ]


def test_the_schema_is_valid_without_a_warning() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())
