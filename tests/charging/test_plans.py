"""Scheduled starts: right times on every night, one session a time, and a reason for each that did not start."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from charging import admission, plans
from charging.models import PlannedStart, Session, StartPlan
from charging.models.session import Origin, State
from fleet.models import Site
from tests import factories

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
MONDAY = datetime(2026, 6, 1, 22, 0, tzinfo=UTC)  # 18:00 in Toronto
NIGHT = datetime(2026, 6, 2, 3, 0, tzinfo=UTC)  # 23:00


# --- making and cancelling --------------------------------------------------------------------------------------------
def make(**fields: Any) -> StartPlan:
    member = factories.member()
    station = fields.pop("station", None) or factories.station(factories.site(member.organisation))
    values: dict[str, Any] = {
        "connector_number": 1,
        "reference": "van-12",
        "on_date": date(2026, 6, 1),
        "weekdays": [],
        "at_time": time(23),
        "patience_minutes": 30,
        "now": MONDAY,
    }
    return plans.create(actor=factories.actor(member), station=station, **(values | fields))


@pytest.mark.django_db
class TestPlans:
    def test_a_moment_that_has_passed_is_refused(self) -> None:
        with pytest.raises(plans.PlanRefused):
            make(at_time=time(17))
        assert StartPlan.objects.count() == 0

    def test_a_connector_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(admission.NoSuchConnector):
            make(connector_number=9)

    def test_a_time_starts_one_session_however_often_it_is_looked_at(self) -> None:
        plan = make()
        assert (plans.fall_due(NIGHT - timedelta(seconds=1)), Session.objects.count()) == (0, 0)
        assert (plans.fall_due(NIGHT), plans.fall_due(NIGHT)) == (1, 0)
        (session,) = plans.start_due(NIGHT)
        assert plans.start_due(NIGHT) == []
        assert (session.origin, session.reference, session.state) == (Origin.PLAN, "van-12", State.REQUESTED)
        row = PlannedStart.objects.get(plan=plan)
        assert (row.outcome, row.session, row.try_at) == ("started", session, None)
        plan.refresh_from_db()
        assert plan.next_at is None

    def test_a_taken_station_is_tried_until_the_patience_ends(self) -> None:
        plan = make()
        factories.session(plan.station, connector=plan.connector, reference="other")
        plans.fall_due(NIGHT)
        assert plans.start_due(NIGHT) == []
        row = PlannedStart.objects.get()
        assert (row.outcome, row.reason[:15]) == ("waiting", "Another session")
        PlannedStart.objects.update(try_at=Now())
        plans.start_due(NIGHT + timedelta(minutes=29))
        assert PlannedStart.objects.get().outcome == "waiting"
        PlannedStart.objects.update(try_at=Now())
        plans.start_due(NIGHT + timedelta(minutes=30))
        row.refresh_from_db()
        assert (row.outcome, row.try_at, row.settled_at) == ("missed", None, NIGHT + timedelta(minutes=30))

    @pytest.mark.parametrize("number", [None, 1])
    def test_a_van_that_stands_there_since_the_night_before_is_not_called_started(self, number: int | None) -> None:
        plan = make(connector_number=number)
        before = factories.session(
            plan.station,
            connector=plan.station.connectors.get(number=1),
            reference="van-12",
            state=State.STOPPED,
            vendor_session_id="ses_1",
        )
        plans.fall_due(NIGHT)
        assert plans.start_due(NIGHT) == []
        row = PlannedStart.objects.get(plan=plan)
        assert (row.outcome, row.session) == ("waiting", None)
        assert row.reason == "Another session is going on there. It ends when its cable is unplugged."
        before.refresh_from_db()
        assert before.hurry

    def test_a_station_that_gets_free_in_time_is_started(self) -> None:
        plan = make()
        other = factories.session(plan.station, connector=plan.connector, reference="other")
        plans.fall_due(NIGHT)
        plans.start_due(NIGHT)
        other.delete()
        PlannedStart.objects.update(try_at=Now())
        assert len(plans.start_due(NIGHT + timedelta(minutes=10))) == 1

    def test_after_an_outage_what_is_too_late_is_missed_and_the_rest_goes_on(self) -> None:
        plan = make(on_date=None, weekdays=EVERY_DAY)
        assert plans.fall_due(NIGHT + timedelta(days=2, minutes=5)) == 3
        outcomes = list(PlannedStart.objects.order_by("due_at").values_list("outcome", flat=True))
        assert outcomes == ["missed", "missed", "waiting"]
        plan.refresh_from_db()
        assert plan.next_at == NIGHT + timedelta(days=3)

    def test_a_cancelled_plan_starts_nothing_more(self) -> None:
        plan = make(on_date=None, weekdays=EVERY_DAY)
        plans.fall_due(NIGHT)
        for _n in range(2):
            cancelled = plans.cancel(actor=factories.actor(), plan=plan, now=NIGHT)
        assert (cancelled.next_at, cancelled.cancelled_at) == (None, NIGHT)
        assert (plans.start_due(NIGHT), plans.fall_due(NIGHT + timedelta(days=1))) == ([], 0)
        assert PlannedStart.objects.get().outcome == "missed"

    def test_a_plan_whose_moment_has_passed_by_another_clock_is_missed_and_not_lost(self) -> None:
        plan = make()
        Site.objects.filter(pk=plan.site_id).update(timezone="Asia/Tokyo")
        assert plans.realign(MONDAY) == 1
        plan.refresh_from_db()
        assert plan.next_at is None
        row = PlannedStart.objects.get(plan=plan)
        assert (row.due_at, row.outcome) == (NIGHT, "missed")
        assert row.reason == "By the clock of the site as it is now, that moment had passed already."

    def test_another_zone_of_the_site_moves_the_times_to_come(self) -> None:
        plan = make()
        Site.objects.filter(pk=plan.site_id).update(timezone="America/Vancouver")
        assert (plans.realign(MONDAY), plans.realign(MONDAY)) == (1, 0)
        plan.refresh_from_db()
        assert plan.next_at == NIGHT + timedelta(hours=3)
