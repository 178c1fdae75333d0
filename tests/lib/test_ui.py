from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.http import HttpRequest
from django.template import Context, Template
from django.test import RequestFactory

from lib import ui
from lib.plot import Number

NOW = datetime(2026, 11, 23, 19, 32, 5, tzinfo=UTC)


def render(source: str, request: HttpRequest | None = None, **context: Any) -> str:
    return Template(source).render(Context({"request": request, **context})).strip()


@pytest.fixture
def listing() -> HttpRequest:
    return RequestFactory().get("/sessions", {"state": "open", "site": "7", "after": "c9", "sort": "-power"})


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("{{ v|kw }}", '6.9<span class="unit">kW</span>'),
        ("{{ v|kwh }}", '6.90<span class="unit">kWh</span>'),
        ("{{ v|kwh_exact }}", '6.900<span class="unit">kWh</span>'),
        ('{{ v|money:"CAD" }}', '6.90<span class="unit">CAD</span>'),
        ('{{ v|money:"JPY" }}', '7<span class="unit">JPY</span>'),
        ('{{ v|money:"KWD" }}', '6.900<span class="unit">KWD</span>'),
        ('{{ v|price:"KWD/kWh" }}', '6.900<span class="unit">KWD/kWh</span>'),
        ('{{ v|price:"CAD/kWh" }}', '6.90<span class="unit">CAD/kWh</span>'),
        ("{{ v|percent }}", '7<span class="unit">%</span>'),
        ("{{ v|number:1 }}", "6.9"),
    ],
)
def test_a_quantity_carries_its_unit(source: str, html: str) -> None:
    assert render(source, v=Decimal("6.9")) == html


def test_what_was_not_said_is_a_dash_with_words() -> None:
    dash = '<span class="none" aria-hidden="true">–</span><span class="vh">not reported</span>'
    source = (
        '{{ v|kw }}{{ v|money:"CAD" }}{{ v|local:"UTC" }}{{ v|ago:now }}{{ v|elapsed:now }}{{ v|duration }}{{ v|day }}'
    )
    assert render(source, v=None, now=NOW) == dash * 7


def test_a_currency_from_outside_is_escaped() -> None:
    assert render("{{ v|money:c }}", v=1, c="<b>") == '1.00<span class="unit">&lt;b&gt;</span>'


def test_a_moment_names_its_zone() -> None:
    assert render('{{ at|local:"America/Toronto" }}', at=NOW) == (
        '<time datetime="2026-11-23T19:32:05Z" title="23 Nov 2026, 14:32:05 America/Toronto">'
        '23 Nov 2026, 14:32<span class="unit">EST</span></time>'
    )
    assert '>14:32<span class="unit">EST</span>' in render('{{ at|local_time:"America/Toronto" }}', at=NOW)
    assert '>23 Nov, 14:32<span class="unit">EST</span>' in render('{{ at|local_short:"America/Toronto" }}', at=NOW)


def test_elapsed_and_age_tick_from_the_servers_clock() -> None:
    at = NOW - timedelta(hours=1, minutes=34)
    assert render("{{ at|elapsed:now }}", at=at, now=NOW) == (
        '<time datetime="2026-11-23T17:58:05Z" data-elapsed>1:34</time>'
    )
    assert render("{{ at|ago:now }}", at=at, now=NOW) == (
        '<time datetime="2026-11-23T17:58:05Z" data-ago title="2026-11-23 17:58:05 UTC">1 h</time>'
    )


def test_an_estimate_says_until_when_it_grows() -> None:
    html = render('{% estimate v 0.002 at None "CAD" %}', v=Decimal("1.5"), at=NOW)
    assert (
        'data-est="1.5" data-rate="0.002" data-at="2026-11-23T19:32:05Z" data-until="" data-decimals="2">1.50</span>'
        in html
    )


def test_a_status_has_colour_shape_and_word() -> None:
    assert render('{% status "no_news" %}') == (
        '<span class="st no-news"><svg width="14" height="14" aria-hidden="true"><use href="#m-dots"/></svg>'
        "No news</span>"
    )
    assert render("{% status v pill=True %}", v="<odd>").count("&lt;odd&gt;") == 2


def test_every_shape_stands_in_the_sprite() -> None:
    from lib import icons

    sprite = render('{% include "shell/_marks.html" %}')
    shapes = {shape for shape, _word in [*icons.MARKS.values(), icons.NEUTRAL]}
    assert {shape for shape in shapes if f'id="m-{shape}"' not in sprite} == set()


def test_a_tab_keeps_the_query_and_drops_the_cursor(listing: HttpRequest) -> None:
    assert render('{% tab "state" "open" "Open" 3 %}{% tab "state" "" "All" %}', listing) == (
        '<a href="?state=open&amp;site=7&amp;sort=-power" aria-current="true">Open'
        '<span class="count" id="count-state-open">3</span></a><a href="?site=7&amp;sort=-power">All</a>'
    )


def test_a_sorted_head_says_so_and_turns_round(listing: HttpRequest) -> None:
    assert render('{% sort_th "power" "Power" "r" %}', listing).startswith(
        '<th scope="col" class="r" aria-sort="descending"><a href="?state=open&amp;site=7&amp;sort=power">Power<svg'
    )
    assert 'href="?state=open&amp;site=7&amp;sort=power"' in render('{% sort_th "-power" "Power" %}', listing)
    assert render('{% sort_th "-cost" "Cost" %}', listing) == (
        '<th scope="col"><a href="?state=open&amp;site=7&amp;sort=-cost">Cost</a></th>'
    )
    assert render('{% sort_th "energy" "Energy" %}', listing) == (
        '<th scope="col"><a href="?state=open&amp;site=7&amp;sort=energy">Energy</a></th>'
    )


def test_the_pager_goes_only_where_there_is_something(listing: HttpRequest) -> None:
    html = render('{% pager after="c10" label="1–50" %}', listing)
    assert 'rel="next" href="?state=open&amp;site=7&amp;sort=-power&amp;after=c10"' in html
    assert 'rel="prev"' not in html


def test_a_kpi_keeps_its_foot_as_markup_and_escapes_its_value() -> None:
    html = render('{% kpi "Power" v "kW" id="k" %} <b>68 %</b> {% endkpi %}', v="<1>")
    assert html == (
        '<div class="kpi" id="k"><dt>Power</dt><dd>&lt;1&gt;<span class="unit">kW</span></dd>'
        '<dd class="foot"><b>68 %</b></dd></div>'
    )


def test_a_kpi_takes_a_figure_with_its_unit() -> None:
    assert '<dd>6.9<span class="unit">kW</span></dd>' in render("{% kpi 'Power' v|kw %}{% endkpi %}", v=Decimal("6.9"))


def test_notes_speak_by_their_weight() -> None:
    assert 'class="note bad" role="alert"' in render('{% note "bad" %}{{ v }}{% endnote %}', v="x")
    assert "&lt;b&gt;" in render("{% note %}{{ v }}{% endnote %}", v="<b>")
    assert [ui.note_kind(tag) for tag in ("success", "warning", "error", "info", "")] == [
        "ok",
        "warn",
        "bad",
        "info",
        "info",
    ]


def test_an_empty_state_without_action_has_no_empty_row() -> None:
    assert 'class="row"' not in render('{% empty "None" "Nothing." %}{% endempty %}')


class Form(forms.Form):
    name = forms.CharField(help_text="Short.")
    limit = forms.IntegerField(required=False)
    agree = forms.BooleanField()
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)


def test_a_field_ties_hint_and_error_to_its_control() -> None:
    html = render("{% field form.name %}", form=Form({}))
    assert 'aria-describedby="id_name_hint id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_name_hint">Short.' in html
    assert 'id="id_name_error"' in html
    assert '<label for="id_name">Name</label>' in html


def test_fields_of_every_kind() -> None:
    form = Form({"name": "x", "agree": "on", "kind": "b"})
    assert '<span class="opt">optional</span>' in render('{% field form.limit unit="kW" %}', form=form)
    assert '<span class="unit">kW</span>' in render('{% field form.limit unit="kW" %}', form=form)
    assert 'class="check"' in render("{% field form.agree %}", form=form)
    assert render("{% field form.kind %}", form=form).count('type="radio"') == 2
    assert 'value="b" id="id_kind_1" checked' in render("{% field form.kind %}", form=form)
    assert render("{% field form.secret %}", form=form) == '<input type="hidden" name="secret" id="id_secret">'


@pytest.mark.parametrize(
    ("name", "letters"), [("owner@example.com", "OE"), ("Fleet desk", "FD"), ("", "?"), ("one two three", "OT")]
)
def test_initials(name: str, letters: str) -> None:
    assert ui.initials(name) == letters


@pytest.mark.parametrize("value", [0, Decimal("-0.001"), 5e8, Decimal("0.0004")])
def test_no_figure_breaks_a_bar(value: Number) -> None:
    assert render("{% bar v 10 %}{% spark values %}", v=value, values=[value]).startswith('<svg class="bar s1"')


def test_an_unknown_icon_is_an_error_of_the_page() -> None:
    with pytest.raises(Exception, match="no-such-icon"):
        render('{% icon "no-such-icon" %}')
