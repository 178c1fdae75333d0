"""The curve of a session: steps, gaps, spans, and the same data in words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from lib import curves
from lib.curves import Reading, Span
from tests.lib.test_charts import parsed, readings, texts

AT = datetime(2026, 1, 8, 17, 2, tzinfo=UTC)
TORONTO = ZoneInfo("America/Toronto")


def minute(number: int) -> datetime:
    return AT + timedelta(minutes=number)


def test_a_curve_is_held_in_steps_and_broken_where_nothing_was_heard() -> None:
    rows = [Reading(minute(number), 10 - number, number) for number in (0, 1, 2, 9, 10)]
    tree = parsed(curves.power("a", "Power", rows, TORONTO, cumulative="Energy"))
    lines = [str(path.get("d")) for path in tree.iter("path") if path.get("class") == "ln"]
    assert lines == [
        "M0.0 0.00H100.0V10.00H200.0V20.00",
        "M900.0 90.00H1000.0V100.00",
        "M0.0 100.00L100.0 90.00L200.0 80.00",
        "M900.0 10.00L1000.0 0.00",
    ]
    assert texts(tree, "desc") == ["5 readings, highest 10.0 kW at 12:02:00 EST."]


def test_a_gap_is_told_to_the_pointer_and_in_the_table() -> None:
    rows = [Reading(minute(number), 7, 1) for number in (0, 1, 9)]
    tree = parsed(curves.power("a", "Power", rows, TORONTO, cumulative="Cost", cumulative_unit="CAD"))
    assert readings(tree)[2] == ("12:03:00 EST", "s1\tPower\t–\ns2\tCost\t–\n\tNote\tno reading")
    cells = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    assert cells == [
        ["Time", "Power, kW", "Cost, CAD", "Note"],
        ["12:02:00 EST", "7.0 kW", "1.00 CAD", ""],
        ["12:03:00 EST", "7.0 kW", "1.00 CAD", ""],
        ["12:03:00 EST", "–", "–", "no reading"],
        ["12:11:00 EST", "7.0 kW", "1.00 CAD", ""],
    ]


def test_what_was_confirmed_all_the_time_is_no_gap() -> None:
    rows = [Reading(minute(0), 7), Reading(minute(60), 7, lasting=True), Reading(minute(120), 7)]
    tree = parsed(curves.power("a", "Power", rows, TORONTO))
    assert [str(path.get("d")) for path in tree.iter("path") if path.get("class") == "ln"] == ["M0.0 12.50H500.0V12.50"]


def test_idle_spans_are_tinted_and_named_where_they_lie() -> None:
    rows = [Reading(minute(number), 7) for number in range(5)]
    tree = parsed(curves.power("a", "Power", rows, TORONTO, idle=[Span(minute(2), None, "the car takes no energy")]))
    tinted = [found for found in tree.iter("rect") if found.get("class") == "sp"]
    assert [(found.get("x"), found.get("width")) for found in tinted] == [("50%", "50%")]
    assert ["the car" in words for _title, words in readings(tree)] == [False, False, True, True, True]


def test_one_price_period_is_no_band_and_two_are() -> None:
    rows = [Reading(minute(number), 7) for number in range(5)]
    day, night = Span(minute(-9), minute(2), "Day"), Span(minute(2), None, "Night")

    def bands(*periods: Span) -> list[str]:
        tree = parsed(curves.power("a", "Power", rows, TORONTO, periods=periods))
        return ["".join(found.itertext()) for found in tree.iter("text") if found.get("class") == "bd"]

    assert (bands(day), bands(day, night)) == ([], ["Day", "Night"])


def test_a_reading_without_power_breaks_the_curve() -> None:
    rows = [Reading(minute(number), power) for number, power in enumerate([5, 5, None, 5, 5])]
    tree = parsed(curves.power("a", "Power", rows, TORONTO))
    assert len([path for path in tree.iter("path") if path.get("class") == "ln"]) == 2


def test_one_reading_and_none() -> None:
    one = parsed(curves.power("a", "Power", [Reading(AT, Decimal("6.9"))], TORONTO))
    assert readings(one) == [("12:02:00 EST", "s1\tPower\t6.9 kW")]
    assert curves.power("a", "Power", [], TORONTO) == '<p class="faint">No reading yet</p>'


def test_two_readings_at_the_same_moment() -> None:
    assert parsed(curves.power("a", "Power", [Reading(AT, 1), Reading(AT, 2)], TORONTO)) is not None


def test_of_very_many_readings_the_peaks_the_gaps_and_the_ends_are_drawn() -> None:
    rows = [Reading(AT + timedelta(seconds=60 * number), 40 if number == 1234 else 7) for number in range(3000)]
    later = [Reading(reading.at + timedelta(hours=2), reading.power_kw) for reading in rows[2000:]]
    tree = parsed(curves.power("a", "Power", rows[:2000] + later, TORONTO))
    table = [[str(cell.text or "") for cell in row] for row in tree.iter("tr")][1:]
    assert len(table) <= curves.MOST_ROWS + 2
    assert [row[1] for row in table].count("40.0 kW") == 1
    assert [row for row in table if "no reading" in row] == [["21:21:00 EST", "–", "no reading"]]
    assert (table[0][0], table[-1][0]) == ("12:02:00 EST", "16:01:00 EST")
    assert "3000 readings, highest 40.0 kW at 08:36:00 EST" in texts(tree, "desc")[0]


def test_many_readings_keep_a_bounded_number_of_places() -> None:
    rows = [Reading(AT + timedelta(seconds=200 * number + 400 * (number // 5)), number % 9) for number in range(2000)]
    assert len(readings(parsed(curves.power("a", "Power", rows, TORONTO)))) <= curves.MOST_HITS
