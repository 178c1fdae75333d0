"""What evidence proves of a finished command, in any order of arrival."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from fleet import observations
from fleet.models import Command, CommandItem, Station
from fleet.models.command import ItemState, Origin
from tests import factories
from tests.factories import NOW

S = ItemState


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def item(station: Station, value: str, state: ItemState, **fields: object) -> CommandItem:
    kind = str(fields.pop("kind", "priorityStatus"))
    command = Command.objects.create(
        organisation=station.organisation,
        requested_by_label="test",
        requested_at=NOW,
        values={kind: value},
        origin=fields.pop("origin", Origin.PERSON),
    )
    return CommandItem.objects.create(
        command=command, station=station, kind=kind, wanted_value=value, state=state, **fields
    )


def done(station: Station, value: str, minutes: float, state: ItemState = S.FINISHED, **fields: object) -> CommandItem:
    return item(station, value, state, sent_at=at(minutes - 1), finished_at=at(minutes), **fields)


def started(station: Station, *, accepted: bool, minutes: float) -> CommandItem | None:
    seen_at = at(minutes) + timedelta(seconds=1)
    return observations.started(
        station_id=station.pk, accepted=accepted, at=at(minutes), seen_at=seen_at, evidence="a start", now=at(60)
    )


def state(row: CommandItem) -> str:
    row.refresh_from_db()
    return row.state


# --- pure -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "accepted", "speaks_for"),
    [
        ("available", True, True),
        ("available", False, False),
        ("unavailable", True, False),
        ("unavailable", False, True),
        ("outOfService", False, True),
        ("maintenance", True, False),
    ],
)
def test_what_a_start_lets_expect(value: str, accepted: bool, speaks_for: bool) -> None:
    assert observations.of_start(value, accepted=accepted) is speaks_for


@pytest.mark.parametrize(
    ("cost", "by_new", "by_old", "speaks_for"),
    [
        ("4.35", "4.35", "3.10", True),
        ("4.36", "4.35", "3.10", True),  # one cent is the vendor's rounding
        ("4.37", "4.35", "3.10", None),
        ("3.10", "4.35", "3.10", False),
        ("3.11", "4.35", "3.10", False),
        ("4.35", "4.35", "4.36", None),  # fits both
        ("9.00", "4.35", "3.10", None),  # fits neither
    ],
)
def test_what_a_cost_says(cost: str, by_new: str, by_old: str, speaks_for: bool | None) -> None:
    assert observations.of_cost(Decimal(cost), by_new=Decimal(by_new), by_old=Decimal(by_old)) is speaks_for


@pytest.mark.parametrize(
    ("before", "supports", "is_overtaken", "to"),
    [
        (S.FINISHED, True, False, S.OBSERVED),
        (S.FINISHED, False, False, S.CONTRADICTED),
        (S.FINISHED_LATE, True, False, S.OBSERVED),
        (S.FINISHED_LATE, False, False, S.CONTRADICTED),
        (S.CONTRADICTED, True, False, S.OBSERVED),
        (S.CONTRADICTED, False, False, None),
        (S.OBSERVED, False, False, None),
        (S.OBSERVED, True, False, None),
        (S.FAILED, True, False, None),
        (S.FINISHED, False, True, None),  # the opposite may be the newer one's effect
        (S.FINISHED, True, True, S.OBSERVED),
    ],
)
def test_where_evidence_leads(before: str, supports: bool, is_overtaken: bool, to: ItemState | None) -> None:
    assert observations.verdict(before, supports=supports, is_overtaken=is_overtaken) == to


# --- with rows --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
class TestAvailability:
    def test_a_start_after_it_is_kept_with_its_time_and_sentence(self) -> None:
        row = done(factories.station(), "available", 0)
        assert started(row.station, accepted=True, minutes=5) == row
        row.refresh_from_db()
        assert (row.state, row.observed_at, row.evidence, row.error_code) == (
            S.OBSERVED, at(5) + timedelta(seconds=1), "a start", "",
        )  # fmt: skip

    def test_a_start_where_none_should_be_contradicts(self) -> None:
        row = done(factories.station(), "unavailable", 0)
        started(row.station, accepted=True, minutes=5)
        row.refresh_from_db()
        assert (row.state, row.evidence, row.error_code) == (S.CONTRADICTED, "a start", observations.OTHERWISE)

    @pytest.mark.parametrize("minutes", [-5, 0])
    def test_what_was_asked_before_the_end_of_the_job_says_nothing(self, minutes: float) -> None:
        row = done(factories.station(), "available", 0)
        assert (started(row.station, accepted=True, minutes=minutes), state(row)) == (None, S.FINISHED)

    def test_only_the_newest_counts_also_where_it_is_not_ours(self) -> None:
        station = factories.station()
        ours = done(station, "unavailable", 0)
        theirs = done(station, "available", 10, origin=Origin.PORTAL)
        started(station, accepted=True, minutes=5)  # between the two: one of them no longer holds, the other not yet
        assert (state(ours), state(theirs)) == (S.FINISHED, S.FINISHED)
        started(station, accepted=True, minutes=15)
        assert (state(ours), state(theirs)) == (S.FINISHED, S.OBSERVED)

    @pytest.mark.parametrize("under_way", observations.IN_FLIGHT)
    def test_the_opposite_is_not_believed_while_a_newer_one_is_under_way(self, under_way: ItemState) -> None:
        station = factories.station()
        old = done(station, "unavailable", 0)
        new = item(station, "available", under_way, sent_at=at(4))
        started(station, accepted=True, minutes=5)
        assert state(old) == S.FINISHED
        CommandItem.objects.filter(pk=new.pk).update(state=S.FAILED)
        started(station, accepted=True, minutes=5)
        assert state(old) == S.CONTRADICTED

    @pytest.mark.parametrize("order", list(permutations([("yes", 5), ("no", 6), ("yes", 7)])))
    def test_one_proof_is_enough_in_any_order(self, order: tuple[tuple[str, float], ...]) -> None:
        row = done(factories.station(), "available", 0)
        for answer, minutes in order:
            started(row.station, accepted=answer == "yes", minutes=minutes)
        assert state(row) == S.OBSERVED

    def test_a_message_is_never_observed(self) -> None:
        row = done(factories.station(), "Hi", 0, kind="setMessage")
        started(row.station, accepted=True, minutes=5)
        assert (state(row), observations.due(9)) == (S.FINISHED, [])


@pytest.mark.django_db
class TestTariffs:
    def asked(self, minutes: float = 5, **old: object) -> observations.Tariffs | None:
        station = factories.station()
        factories.tariff(station.account, fee_id="new", price_per_kwh=Decimal("0.5"))
        factories.tariff(station.account, fee_id="old", **({"price_per_kwh": Decimal("0.3")} | old))
        done(station, "new", 0, kind="tariffId", value_before="old")
        return observations.tariffs(station_id=station.pk, at=at(minutes))

    def test_both_are_known_with_prices(self) -> None:
        pair = self.asked()
        assert pair is not None
        assert (pair.new.fee_id, pair.old.fee_id) == ("new", "old")

    def test_a_session_from_before_tells_nothing(self) -> None:
        assert self.asked(minutes=-1) is None

    def test_zeros_are_no_prices(self) -> None:
        assert self.asked(price_per_kwh=Decimal(0)) is None

    @pytest.mark.parametrize("before", [None, "elsewhere", "new"])
    def test_without_an_old_one_there_is_no_evidence(self, before: str | None) -> None:
        station = factories.station()
        factories.tariff(station.account, fee_id="new")
        factories.tariff(factories.account(station.organisation), fee_id="elsewhere")  # known, in another account
        done(station, "new", 0, kind="tariffId", value_before=before)
        assert observations.tariffs(station_id=station.pk, at=at(5)) is None
