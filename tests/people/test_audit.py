"""The audit trail as a page: words instead of verbs, and pages both ways."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from lib import paging
from people import audit
from people.models import AuditEntry, Membership
from people.roles import Role
from people.views import audit as page_of_audit
from tests import factories

pytestmark = pytest.mark.django_db
URL = "/settings/audit/"


@pytest.fixture
def owner() -> Membership:
    return factories.member(Role.OWNER)


def record(owner: Membership, verb: str = "site.changed", subject: str = "Harbour", **details: Any) -> AuditEntry:
    return audit.record(
        actor=factories.actor(owner), verb=verb, subject=subject, now=factories.NOW, **details
    )  # fmt: skip


def lines(owner: Membership) -> list[tuple[str, str, str]]:
    shown = factories.client_for(owner).get(URL).context["lines"]
    return [(str(line["words"]), str(line["subject"]), line["details"]) for line in shown]


def test_a_verb_is_said_in_words_with_its_details(owner: Membership) -> None:
    record(owner, "station.created", "HC-1", site="Harbour")
    record(owner, "member.changed", "Kim", before={"role": "viewer", "site_ids": [3, 4]},
           after={"role": "operator", "site_ids": None})  # fmt: skip
    record(owner, "stop_rule.paused", "Nights", at=None)
    assert lines(owner) == [
        ("Stop rule paused", "Nights", ""),
        ("Member changed", "Kim", "role viewer → operator, site ids 3, 4 → all"),
        ("Station added", "HC-1", "site Harbour"),
    ]


def test_a_session_is_a_link_and_its_id_is_not_read_out(owner: Membership) -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    record(owner, "session.requested", "HC-1", session=str(first))
    record(owner, "session.stop_requested", str(second))
    html = factories.client_for(owner).get(URL).content.decode()
    assert f'<a class="lnk" href="{reverse("session", args=[first])}">HC-1</a>' in html
    assert f'<a class="lnk" href="{reverse("session", args=[second])}">a session</a>' in html


def test_the_first_day_says_what_will_be_here(owner: Membership) -> None:
    assert "Nothing is written down yet" in factories.client_for(owner).get(URL).content.decode()


def test_pages_go_both_ways_and_say_where_they_stand(owner: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of_audit, "PAGE", 2)
    made = [record(owner, subject=f"n{number}").pk for number in range(5)][::-1]
    record(factories.member(Role.OWNER), subject="theirs")
    client = factories.client_for(owner)

    def shown(query: str) -> tuple[list[int], str]:
        page = client.get(URL + query).context["page"]
        return [row.pk for row in page.rows], page.label

    first = client.get(URL).context["page"]
    second = client.get(f"{URL}?after={first.after}").context["page"]
    assert ([row.pk for row in first.rows], first.before, first.label) == (made[:2], "", "1–2 of 5")
    assert ([row.pk for row in second.rows], second.label) == (made[2:4], "3–4 of 5")
    assert shown(f"?after={second.after}") == (made[4:], "5 of 5")
    assert shown(f"?before={second.before}") == (made[:2], "1–2 of 5")
    assert shown("?after=x&before=-1") == (made[:2], "1–2 of 5")


def test_no_more_is_counted_than_is_cheap(owner: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "COUNTED", 3)
    made = [record(owner).pk for _ in range(6)][::-1]
    found = AuditEntry.objects.visible_to(factories.actor(owner))
    labels = [paging.newest_first(found, after=after, size=2).label for after in ("", str(made[1]), str(made[3]))]
    assert labels == ["1–2 of more than 3", "3–4 of more than 3", "after the first 3"]


def test_same_queries_for_one_and_three_rows(owner: Membership) -> None:
    client = factories.client_for(owner)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(URL).status_code == 200
        return len(queries)

    record(owner)
    one = count()
    record(owner)
    record(owner)
    assert count() == one
