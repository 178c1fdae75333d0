"""A caller of the API with a key of its own."""

from typing import Any

from django.test import Client

from people import api_keys
from people.models import Membership
from tests import factories


class Api:
    """Answers come as (status, body)."""

    def __init__(self, membership: Membership) -> None:
        self.key, self.plain = api_keys.mint(membership=membership, name="test", now=factories.NOW)
        self.http = Client(headers={"Authorization": f"Bearer {self.plain}"})

    def get(self, path: str, **query: Any) -> tuple[int, Any]:
        answer = self.http.get(f"/api/v1/{path}", query)
        return answer.status_code, answer.json()

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.http.post(f"/api/v1/{path}", body, content_type="application/json")
        return answer.status_code, answer.json()
