"""Every model is in the admin panel, searchable and readable; secrets are not shown, and the past can't be changed."""

from datetime import time

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from charging.models import (
    Correction,
    PlannedStart,
    Reading,
    ReceiptLink,
    Session,
    SessionEvent,
    StartPlan,
    StationException,
    StopRule,
    WallLink,
)
from fleet import commands, hooks
from fleet.models import ApiCall
from fleet.models.message import HookKind
from people import api_keys, audit, invitations
from people.models import Membership
from people.roles import Role
from tests import factories

pytestmark = pytest.mark.django_db
OURS = [
    model for app in ("people", "fleet", "charging", "reporting") for model in apps.get_app_config(app).get_models()
]
SECRETS = {"api_key", "token", "token_hash", "token_sha256", "key_hash", "password", "key_fingerprint"}
HISTORY = {
    "ApiCall", "ApiKey", "AuditEntry", "Command", "CommandDraft", "CommandEvent", "CommandItem", "CommandSchedule",
    "Correction", "DayRollup", "ManageCall", "PlannedStart", "RawMessage", "Reading", "ReceiptLink", "ScheduledRun",
    "Session", "SessionEvent", "StartPlan", "StationException", "StopRule", "VendorTotal", "WallLink",
}  # fmt: skip


@pytest.fixture
def boss() -> Membership:
    row = factories.member()
    row.user.is_staff = row.user.is_superuser = True
    row.user.save()
    return row


def address(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_registered_searchable_secretless(model: type[Model]) -> None:
    shown = admin.site.get_model_admin(model)
    assert shown.search_fields
    assert shown.show_full_result_count is False
    secrets = SECRETS & {field.name for field in model._meta.get_fields() if not field.is_relation}
    assert secrets <= set(shown.exclude or ())
    assert not SECRETS & set(shown.list_display)


def happen(boss: Membership, session: Session) -> None:
    """What hangs on a session, a plan or a membership."""
    now = factories.NOW
    StopRule.objects.create(session=session, kind="energy", amount=10, created_at=now)
    Correction.objects.create(session=session, recorded_at=now, energy_kwh_before=1, energy_kwh_after=2)
    ReceiptLink.objects.create(session=session, token="key-receipt", token_sha256="x", created_at=now)
    WallLink.objects.create(
        organisation=boss.organisation,
        membership=boss,
        name="x",
        token_sha256="x",
        created_at=now,
        expires_at=now,
    )
    plan = StartPlan.objects.create(
        organisation=boss.organisation,
        site=session.site,
        station=session.station,
        weekdays=[1],
        at_time=time(23),
        created_at=now,
        next_at=now,
    )
    PlannedStart.objects.create(plan=plan, due_at=now)


def fill(boss: Membership) -> None:
    actor, now = factories.actor(boss), factories.NOW
    station = factories.station(factories.site(boss.organisation))
    tariff = factories.tariff(station.account)
    station.tariff = tariff
    station.save()
    session = factories.session(station, connector=station.connectors.get(number=1))
    happen(boss, session)
    SessionEvent.objects.create(session=session, occurred_at=now, kind="requested", text="x")
    Reading.objects.create(session=session, received_at=now, confirmed_at=now, document_sha256="x", document="{}")
    StationException.objects.create(
        organisation=boss.organisation,
        account=station.account,
        vendor_exception_id="e",
        type="t",
        received_at=now,
        document="{}",
    )
    token, _url = hooks.mint(account=station.account, kind=HookKind.EXCEPTION, now=now, keep=True)
    token.messages.create(body=b"\xff{}", body_sha256="x", received_at=now)
    commands.request(actor=actor, wishes=commands.for_all([station], {"setMessage": "x"}), now=now)
    ApiCall.objects.create(
        account=station.account,
        lane="people",
        why="x",
        endpoint="x",
        started_at=now,
        waited_ms=1,
        duration_ms=1,
        outcome="ok",
    )
    api_keys.create(actor=actor, name="x", now=now)
    invitations.create(actor=actor, email="new@example.com", role=Role.VIEWER, site_ids=None, now=now)
    audit.record(actor=actor, verb="x.tried", subject="x", now=now)


def test_lists_searches_and_rows_open_without_a_secret(boss: Membership) -> None:
    fill(boss)
    client = factories.client_for(boss)
    hidden = [boss.user.password, "key-"]
    for model in OURS:
        for query in ({}, {"q": "x"}):
            assert client.get(address(model, "changelist"), query).status_code == 200, model
        row = model._default_manager.first()
        if row is None:
            continue
        answer = client.get(address(model, "change", row.pk))
        assert answer.status_code == 200, model
        text = answer.content.decode()
        assert not [secret for secret in hidden if secret in text], model
        hashes = [getattr(row, name) for name in ("key_hash", "token_hash") if hasattr(row, name)]
        assert not [secret for secret in hashes if secret in text], model


def test_history_is_read_only(boss: Membership) -> None:
    fill(boss)
    client = factories.client_for(boss)
    for model in OURS:
        if model.__name__ not in HISTORY:
            continue
        assert client.get(address(model, "add")).status_code == 403
        row = model._default_manager.first()
        if row is not None:
            assert client.post(address(model, "change", row.pk), {}).status_code == 403
            assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_sign_in_is_the_pages_own(boss: Membership) -> None:
    answer = Client().get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert factories.client_for(factories.member()).get("/admin/", follow=True).status_code == 403
    assert factories.client_for(boss).get("/admin/").status_code == 200
