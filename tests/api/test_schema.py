"""The schema names every route; the docs need nothing from elsewhere."""

import json

import pytest
from django.test import Client

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
    script = Client().get("/api/v1/docs/?script")
    assert script.headers["Content-Type"].startswith("application/javascript")
