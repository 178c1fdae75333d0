"""What a receipt says: the session's own figures, lines that add up to the vendor's total, and when it is final."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging import receipts
from charging.models import Correction, Session
from charging.models.correction import CorrectionDecision
from charging.models.session import State
from fleet.models import Connector, Site, Station
from people.models import Organisation

BEGAN = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30 EDT; an hour later the clocks are set back
TARIFF = {"fee_id": "fee_l2", "name": "Public", "currency": "CAD"}
FLAT = {"price_per_kwh": "0.35", "price_per_minute": "0.0425", "price_per_start": "0.5"}


def session(**fields: Any) -> Session:
    """A finished session that is nowhere stored."""
    organisation = Organisation(name="Organisation")
    site = Site(name="Harbour", address="1 Quay St", timezone="America/Toronto", organisation=organisation)
    station = Station(vendor_id="HC-1042", site=site, organisation=organisation)
    values: dict[str, Any] = {
        "public_id": UUID("01234567-89ab-4cde-8fed-cba987654321"),
        "connector": Connector(station=station, number=2),
        "reference": "van-07",
        "state": State.COMPLETED,
        "energy_kwh": Decimal("12.418"),
        "duration_s": 6480,
        "cost": Decimal("9.4400"),
        "currency": "CAD",
        "requested_at": BEGAN,
        "started_at": BEGAN,
        "charging_ended_at": BEGAN + timedelta(minutes=90),
        "completed_at": BEGAN + timedelta(minutes=108),
        "final_at": BEGAN + timedelta(minutes=109),
        "tariff": TARIFF | FLAT,
    }
    return Session(organisation=organisation, site=site, station=station, **(values | fields))


def correction(decision: CorrectionDecision, **fields: Any) -> Correction:
    same = {"energy_kwh_before": Decimal("12.418"), "energy_kwh_after": Decimal("12.418")}
    money = {"cost_before": Decimal("9.5000"), "cost_after": Decimal("9.4400")}
    at = BEGAN + timedelta(days=3)
    decided_at = at if decision else None
    return Correction(recorded_at=at, decided_at=decided_at, decision=decision, **(same | money | fields))


def lines(**fields: Any) -> list[tuple[str, str, str]]:
    return [(line.label, line.detail, line.shown) for line in receipts.of(session(**fields)).lines]


def test_the_figures_are_the_sessions_own() -> None:
    said = receipts.of(session())
    assert (said.energy_kwh, said.total, said.currency) == (Decimal("12.418"), Decimal("9.4400"), "CAD")
    assert (said.charging_s, said.idle_s) == (5400, 1080)
    assert (said.energy, said.amount, said.is_final, said.issued) == ("12.418", "9.44", True, "1 Nov 2026")
    assert (said.issuer, said.site, said.address) == ("Organisation", "Harbour", "1 Quay St")


def test_times_are_local_on_the_night_the_clocks_change() -> None:
    said = receipts.of(session())
    assert said.when == (
        receipts.Fact("Charging began", "1 Nov 2026, 01:30 EDT"),
        receipts.Fact("Charging ended", "1 Nov 2026, 02:00 EST"),
        receipts.Fact("Unplugged", "1 Nov 2026, 02:18 EST"),
        receipts.Fact("Charging time", "1 h 30 min"),
        receipts.Fact("Idle time", "18 min"),
        receipts.Fact("Time in all", "1 h 48 min"),
    )


def test_what_was_not_reported_is_not_there() -> None:
    bare = session(charging_ended_at=None, started_at=None, duration_s=None, energy_kwh=None, cost=None, reference="")
    said = receipts.of(bare)
    assert said.when == (receipts.Fact("Unplugged", "1 Nov 2026, 02:18 EST"),)
    assert said.where == (receipts.Fact("Station", "HC-1042"), receipts.Fact("Connector", "2"))
    assert (said.energy, said.amount, said.charging_s, said.idle_s, said.lines) == ("–", "–", None, None, ())
    assert said.notes[0] == "The charging network reported no cost."


def test_a_station_goes_by_its_name() -> None:
    named = session()
    named.station.name = "By the gate"
    assert receipts.of(named).where[0] == receipts.Fact("Station", "By the gate")


# --- cost lines -------------------------------------------------------------------------------------------------------
def test_the_tariff_explains_the_total() -> None:
    assert lines() == [
        ("Energy", "12.418 kWh × 0.35 CAD/kWh", "4.35"),
        ("Time", "108 min × 0.0425 CAD/min", "4.59"),
        ("Start", "once", "0.50"),
    ]


def test_cents_that_rounding_moves_have_their_own_line() -> None:
    third = {"price_per_kwh": "0.3333", "price_per_minute": "0.0333", "price_per_start": "0"}
    # 1.3332 + 0.3330 + 0 = 1.6662, of which the lines show 1.33 and 0.33
    assert lines(energy_kwh=Decimal(4), duration_s=600, cost=Decimal("1.67"), tariff=TARIFF | third) == [
        ("Energy", "4.000 kWh × 0.3333 CAD/kWh", "1.33"),
        ("Time", "10 min × 0.0333 CAD/min", "0.33"),
        ("Rounding", "", "0.01"),
    ]


def test_a_cost_that_the_tariff_does_not_explain_says_so() -> None:
    assert lines(cost=Decimal("12.00"))[-1] == ("Not explained by this tariff", "", "2.56")
    assert lines(cost=Decimal("9.00"))[-1] == ("Not explained by this tariff", "", "−0.44")


def test_a_total_of_four_decimals_is_shown_with_them() -> None:
    said = receipts.of(session(cost=Decimal("9.4363"), tariff=TARIFF | FLAT))
    assert (said.amount, [line.shown for line in said.lines]) == ("9.4363", ["4.3463", "4.5900", "0.5000"])


@pytest.mark.parametrize(
    ("currency", "cost", "shown"),
    [("JPY", "435.0000", "435"), ("JPY", "435.5000", "435.5"), ("KWD", "4.5000", "4.500"), ("CAD", "4.5", "4.50")],
)
def test_an_amount_has_the_decimals_of_its_currency(currency: str, cost: str, shown: str) -> None:
    tariff = TARIFF | FLAT | {"currency": currency, "price_per_kwh": "30", "price_per_minute": "0"}
    receipt = receipts.of(session(currency=currency, cost=Decimal(cost), tariff=tariff))
    assert receipt.amount == shown
    unit_price = {"JPY": "30", "KWD": "30.000", "CAD": "30.00"}[currency]
    assert receipt.lines[0].detail == f"12.418 kWh × {unit_price} {currency}/kWh"
    assert sum((line.amount for line in receipt.lines), Decimal(0)) == Decimal(cost)


def test_part_of_a_minute_is_shown() -> None:
    assert lines(duration_s=6510)[1][:2] == ("Time", "108.50 min × 0.0425 CAD/min")


@pytest.mark.parametrize("tariff", [None, TARIFF | FLAT | {"currency": "USD"}])
def test_without_a_tariff_in_the_same_money_nothing_is_broken_down(tariff: dict[str, str] | None) -> None:
    said = receipts.of(session(tariff=tariff))
    assert (said.lines, said.tariff, said.total) == ((), "", Decimal("9.4400"))
    assert "The price that was valid at the start is not known, so the total is not broken down." in said.notes


PRICES = st.decimals(0, 9, places=4)


@given(st.decimals(0, 500, places=3), st.integers(0, 500_000), st.decimals(0, 9999, places=4), PRICES, PRICES, PRICES)
def test_lines_always_add_up_to_the_total(
    energy_kwh: Decimal, duration_s: int, cost: Decimal, per_kwh: Decimal, per_minute: Decimal, per_start: Decimal
) -> None:
    prices = {"price_per_kwh": per_kwh, "price_per_minute": per_minute, "price_per_start": per_start}
    tariff = TARIFF | {name: str(value) for name, value in prices.items()}
    said = receipts.of(session(energy_kwh=energy_kwh, duration_s=duration_s, cost=cost, tariff=tariff))
    assert sum((line.amount for line in said.lines), Decimal(0)) == (cost if said.lines else 0)


# --- final or not, corrected or not -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.CHARGING, "Not final yet: the session is still open, and these are the figures so far."),
        (State.COMPLETED, "Not final yet: the charging network has not confirmed these figures."),
    ],
)
def test_not_final_says_why(state: State, words: str) -> None:
    said = receipts.of(session(state=state, final_at=None))
    assert (said.is_final, said.issued, said.notes[0]) == (False, "", words)


def test_an_accepted_correction_is_told_and_gives_the_receipt_another_number() -> None:
    said = receipts.of(session(), [correction(CorrectionDecision.ACCEPTED)])
    assert said.number == receipts.number(session().public_id) + "-C1"
    assert said.changes == (receipts.Fact("4 Nov 2026, 00:30 EST", "cost 9.50 → 9.44 CAD"),)


def test_a_correction_to_decide_is_mentioned_and_one_not_accepted_is_not() -> None:
    checked = "The charging network has since reported other figures. They are being checked."
    assert checked in receipts.of(session(), [correction(CorrectionDecision.OPEN)]).notes
    kept = receipts.of(session(), [correction(CorrectionDecision.KEPT)])
    assert kept == receipts.of(session())


# --- the number -------------------------------------------------------------------------------------------------------
def test_the_number_is_the_beginning_of_the_public_id() -> None:
    assert receipts.number(UUID("01234567-89ab-4cde-8fed-cba987654321")) == "04HM-ASW9-ND6D"


@pytest.mark.parametrize("text", ["", "van-07", "04HM-ASW9-ND6", "04HM-ASW9-ND6DY", "04HM-ASW9-ND6U"])
def test_other_texts_are_no_numbers(text: str) -> None:
    assert receipts.numbered(text) is None


@pytest.mark.parametrize("text", ["04HM-ASW9-ND6D", "o4hmasw9nd6d", " 04hm asw9 nd6d ", "04HM-ASW9-ND6D-C2"])
def test_a_number_is_read_as_people_write_it(text: str) -> None:
    found = receipts.numbered(text)
    assert found is not None
    bounds = dict(found.children)  # type: ignore[arg-type]
    assert bounds == {
        "public_id__gte": UUID("01234567-89ab-4cd0-0000-000000000000"),
        "public_id__lte": UUID("01234567-89ab-4cdf-ffff-ffffffffffff"),
    }


@pytest.mark.parametrize("suffix", ["", "-C1", " c12"])
def test_a_number_whose_groups_begin_with_c_is_found(suffix: str) -> None:
    number = receipts.number(UUID("3bc73626-e267-74d0-8fed-cba987654321"))
    assert number == "7F3K-C9Q2-CXTD"
    found = receipts.numbered(number + suffix)
    assert found is not None
    assert dict(found.children)["public_id__gte"] == UUID("3bc73626-e267-74d0-0000-000000000000")  # type: ignore[arg-type]
