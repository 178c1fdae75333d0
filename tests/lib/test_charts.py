import re
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import charts, traces
from lib.charts import Series
from lib.plot import Number

FIRST = date(2026, 10, 25)
TORONTO = ZoneInfo("America/Toronto")
values = st.one_of(
    st.none(),
    st.integers(-(10**10), 10**10),
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.decimals("-1e9", "1e9", allow_nan=False),
)


def dates(count: int) -> list[date]:
    return [FIRST + timedelta(days=step) for step in range(count)]


def parsed(html: str) -> ElementTree.Element:
    """The chart as a tree; a number that is none would show in the text."""
    assert not re.search(r"\b(nan|NaN|inf|Infinity|None)\b", html), html
    closed = html.replace(" checked ", ' checked="" ')
    closed = re.sub(r"<input ([^>]*)>", r"<input \1/>", closed)
    return ElementTree.fromstring(closed)


def texts(tree: ElementTree.Element, tag: str) -> list[str]:
    return ["".join(found.itertext()) for found in tree.iter(tag)]


def rects(tree: ElementTree.Element) -> list[ElementTree.Element]:
    return [found for found in tree.iter("rect") if found.get("class") in ("b", "b est")]


def foot(tree: ElementTree.Element) -> list[str]:
    row = tree.find(".//tfoot/tr")
    assert row is not None
    return ["".join(cell.itertext()) for cell in row]


def readings(tree: ElementTree.Element) -> list[tuple[str, str]]:
    return [(str(found.get("data-t")), str(found.get("data-v"))) for found in tree.iter("rect") if found.get("data-t")]


def test_all_zero_data_draws_an_axis_and_no_bar() -> None:
    tree = parsed(charts.days("a", "Energy", dates(30), [Series("Energy", [0] * 30)], "kWh"))
    assert rects(tree) == []
    assert texts(tree, "desc") == ["30 days, 0 kWh in total."]
    assert foot(tree) == ["Total", "0"]


def test_nothing_at_all_says_so() -> None:
    assert texts(parsed(charts.days("a", "Energy", [], [], "kWh")), "desc") == ["No data in this period."]
    assert texts(parsed(charts.lines("a", "Energy", [], [], "kWh")), "desc") == ["No data in this period."]


def test_one_day() -> None:
    tree = parsed(charts.days("a", "Energy", dates(1), [Series("Energy", [Decimal("12.5")])], "kWh", decimals=1))
    assert texts(tree, "desc") == ["1 day, 12.5 kWh in total."]
    (bar,) = rects(tree)
    assert (bar.get("x"), bar.get("width"), bar.get("height")) == ("14%", "72%", "100%")


@pytest.mark.parametrize("value", [Decimal("0.0004"), Decimal("0.0000001"), 500_000_000, Decimal("7e11")])
def test_tiny_and_huge_values_fill_the_plot(value: Decimal) -> None:
    (bar,) = rects(parsed(charts.days("a", "Energy", dates(1), [Series("Energy", [value])], "kWh")))
    assert 60 <= float(str(bar.get("height")).rstrip("%")) <= 100


def test_stacks_stand_on_each_other_and_negatives_hang_below_zero() -> None:
    stack = [Series("A", [2, -1]), Series("B", [3, -2])]
    tree = parsed(charts.days("a", "Both", dates(2), stack, "kWh", decimals=0))
    boxes = [(str(bar.get("y")), float(str(bar.get("height")).rstrip("%"))) for bar in rects(tree)]
    assert boxes == [("40%", 20.0), ("60%", 10.0), ("10%", 29.65), ("70%", 19.65)]
    assert "−3" in "".join(texts(tree, "td"))


def test_bars_side_by_side_start_at_zero_each() -> None:
    pair = [Series("A", [4]), Series("B", [2])]
    tree = parsed(charts.days("a", "Both", dates(1), pair, "kWh", grouped=True))
    assert [(bar.get("x"), bar.get("y"), bar.get("height")) for bar in rects(tree)] == [
        ("14%", "0%", "100%"),
        ("50%", "50%", "50%"),
    ]


def test_a_gap_is_no_bar_and_a_dash() -> None:
    tree = parsed(charts.days("a", "Energy", dates(3), [Series("Energy", [5, None, 6])], "kWh"))
    assert len(rects(tree)) == 2
    assert readings(tree)[1] == ("26 Oct 2026", "s1\tEnergy\t–")
    assert foot(tree) == ["Total", "11"]


def test_the_table_has_the_totals_of_the_chart() -> None:
    two = [Series("Level 2", [Decimal("1.25"), Decimal("2.50")]), Series("Level 3", [Decimal("10.00"), None])]
    tree = parsed(charts.days("a", "Energy", dates(2), two, "kWh", decimals=2))
    assert texts(tree, "desc") == ["2 days, 13.75 kWh in total. Highest on 25 Oct 2026 with 11.25 kWh."]
    assert foot(tree) == ["Total", "3.75", "10.00", "13.75"]
    assert readings(tree)[0] == ("25 Oct 2026", "s1\tLevel 2\t1.25 kWh\ns2\tLevel 3\t10.00 kWh\n\tTotal\t11.25 kWh")


def test_an_earlier_period_of_another_length_is_cut_or_ends_early() -> None:
    for length in (1, 5):
        before = Series("Before", [3] * length)
        tree = parsed(charts.days("a", "Energy", dates(3), [Series("Energy", [1, 2, 3])], "kWh", previous=before))
        assert readings(tree)[2][1].endswith("\ns4\tBefore\t" + ("3 kWh" if length == 5 else "–"))


def test_names_from_people_are_escaped() -> None:
    html = charts.days('"><b>', "<script>", dates(1), [Series("<i>a\tb</i>", [1]), Series("x", [1])], "kWh")
    assert "<script>" not in html
    assert "<i>" not in html.replace("<i class", "")
    assert "&lt;i&gt;a b&lt;/i&gt;&#9;1 kWh" in html


def test_a_lone_value_between_gaps_is_a_dot() -> None:
    html = charts.lines("a", "Energy", dates(3), [Series("Energy", [None, 5, None])], "kWh")
    assert parsed(html).find(".//path[@class='pt']") is not None


def test_bars_by_name() -> None:
    html = traces.hbars([("A & B", Decimal(50), "/a"), ("C", Decimal(25), ""), ("D", None, "")], "CAD", decimals=2)
    widths = [found.get("width") for found in parsed(html).iter("rect")]
    assert widths == ["100%", "50%", "0%"]
    assert "A &amp; B" in html


def test_a_stacked_bar_is_whole() -> None:
    drawn = parsed(traces.stack([("finished", 5, "done"), ("failed", 3, "failed"), ("not-yet", 2, "waiting")], 10))
    places = [(part.get("class"), part.get("x"), part.get("width")) for part in drawn.iter("rect")]
    assert places == [("finished", "0%", "50%"), ("failed", "50%", "30%"), ("not-yet", "80%", "20%")]
    assert list(parsed(traces.stack([], 0)).iter("rect")) == []


@pytest.mark.parametrize(
    ("value", "maximum", "width"),
    [(50, 200, "25%"), (300, 200, "100%"), (-5, 200, "0%"), (5, 0, "0%"), (None, 5, "0%"), (5, None, "0%")],
)
def test_a_bar_stays_in_its_track(value: int | None, maximum: int | None, width: str) -> None:
    assert [found.get("width") for found in parsed(traces.bar(value, maximum)).iter("rect")] == [width]


@pytest.mark.parametrize("trace", [[], [None], [0, 0], [5], [1, None, 3], [-1, 1], [Decimal("0.0004"), 5e8]])
def test_a_trace_of_anything(trace: list[Number | None]) -> None:
    assert parsed(traces.spark(trace)).get("class") == "spark s1"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60).flatmap(lambda count: st.tuples(st.lists(values, min_size=count, max_size=count))))
def test_any_values_draw_inside_the_plot(drawn: tuple[list[Number | None]]) -> None:
    (row,) = drawn
    tree = parsed(charts.days("a", "Any", dates(len(row)), [Series("Any", row)], "kWh"))
    for bar in rects(tree):
        y, height = (float(str(bar.get(name)).rstrip("%")) for name in ("y", "height"))
        assert y >= -0.01
        assert y + height <= 100.02
    assert parsed(charts.lines("a", "Any", dates(len(row)), [Series("Any", row)], "kWh", area=True)) is not None
    assert parsed(traces.spark(row)) is not None
