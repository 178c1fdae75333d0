"""The hints to look: thin, and harmless with nothing to do."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now

from fleet import hooks, tasks
from fleet.models import ApiCall, CommandDraft, RawMessage
from fleet.models.message import HookKind
from lib import clock
from tests import factories

pytestmark = pytest.mark.django_db


def test_prune_throws_away_what_retention_no_longer_keeps() -> None:
    account = factories.account()
    token, _ = hooks.mint(account=account, kind=HookKind.JOB, now=clock.now())
    calls, messages = settings.RETENTION["fleet.ApiCall"], settings.RETENTION["fleet.RawMessage"]
    day = timedelta(days=1)
    for name, age in (("young", calls - day), ("old", calls + day)):
        ApiCall.objects.create(
            account=account, lane="reads", why=name, endpoint="x", started_at=Now() - age, waited_ms=0, duration_ms=0
        )
    for name, age in (("young", messages - day), ("old", messages + day)):
        RawMessage.objects.create(token=token, body=b"", body_sha256=name, received_at=clock.now() - age)
    drafts, author = settings.RETENTION["fleet.CommandDraft"], factories.member()
    for name, age in (("young", drafts - day), ("old", drafts + day)):
        CommandDraft.objects.create(
            organisation=author.organisation, requested_by=author.user, options={"is": name},
            created_at=clock.now() - age,
        )  # fmt: skip
    tasks.prune()
    assert list(ApiCall.objects.values_list("why", flat=True)) == ["young"]
    assert list(RawMessage.objects.values_list("body_sha256", flat=True)) == ["young"]
    assert [draft.options for draft in CommandDraft.objects.all()] == [{"is": "young"}]


def test_a_vendor_that_is_not_there_ends_no_task() -> None:
    factories.account()
    factories.account()
    tasks.read_history()
    assert list(ApiCall.objects.values_list("outcome", flat=True)) == ["not_sent", "not_sent"]
    tasks.deliver_due()
    assert ApiCall.objects.count() == 2


def test_a_schedule_that_is_due_is_sent_and_its_next_time_found() -> None:
    schedule = factories.command_schedule(factories.station(), next_at=clock.now() - timedelta(seconds=5))
    tasks.fire_schedules()
    tasks.fire_schedules()
    assert list(schedule.runs.values_list("outcome", flat=True)) == ["fired"]
    tasks.realign_schedules()
    schedule.refresh_from_db()
    assert schedule.next_at > clock.now()
