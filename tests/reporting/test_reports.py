"""The reports page: one truth in chart, tables and CSV; nobody sees what is not theirs."""

import csv
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fleet.models import Site
from lib import clock
from people.actor import Actor
from people.models import Membership, Organisation
from people.roles import Role
from reporting import summary
from reporting.models import DayRollup, VendorTotal
from reporting.summary import Period
from tests import factories

pytestmark = pytest.mark.django_db
WEEK = Period(date(2026, 11, 16), date(2026, 11, 22))
QUESTION = "first=2026-11-16&last=2026-11-22"


def _roll(site: Site, day: int, energy_kwh: str, revenue: str = "1", currency: str = "CAD", uncosted: int = 0) -> None:
    DayRollup.objects.create(
        organisation=site.organisation, site=site, day_date=date(2026, 11, day), currency=currency, sessions=2,
        energy_kwh=Decimal(energy_kwh), revenue=Decimal(revenue), uncosted=uncosted, connected_s=100,
    )  # fmt: skip


def _said(
    site: Site | None, organisation: Organisation, day: int, energy_kwh: str, sessions: int, name: str = "X"
) -> None:
    VendorTotal.objects.create(
        organisation=organisation, account=factories.account(organisation), site=site, vendor_station_id=name,
        day_date=date(2026, 11, day), sessions=sessions, energy_kwh=Decimal(energy_kwh), fetched_at=clock.now(),
    )  # fmt: skip


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def asks(owner: Membership) -> Actor:
    return factories.actor(owner)


@pytest.fixture
def browser(owner: Membership) -> Client:
    return factories.client_for(owner)


def test_totals_are_the_sums_of_days_and_of_sites(owner: Membership, asks: Actor) -> None:
    one, two = (factories.site(owner.organisation) for _n in range(2))
    _roll(one, 16, "1.111")
    _roll(one, 22, "2.222", uncosted=1)
    _roll(two, 22, "3.333", "7.5")
    _roll(two, 15, "100")
    _roll(two, 23, "100")
    result = summary.figures(asks, WEEK)
    assert [line.day for line in result.days] == WEEK.dates()
    assert [line.sums.energy_kwh for line in result.days] == [Decimal("1.111"), 0, 0, 0, 0, 0, Decimal("5.555")]
    assert {line.site: line.sums.energy_kwh for line in result.sites} == {one: Decimal("3.333"), two: Decimal("3.333")}
    assert (result.total.sums.energy_kwh, result.total.sums.sessions) == (Decimal("6.666"), 6)
    assert (result.total.sums.money(), result.total.sums.uncosted) == ([(Decimal("9.5"), "CAD")], 1)


def test_two_currencies_are_never_added(owner: Membership, asks: Actor, browser: Client) -> None:
    site = factories.site(owner.organisation)
    _roll(site, 20, "1", "10")
    _roll(site, 20, "1", "20", "USD")
    assert summary.figures(asks, WEEK).total.sums.money() == [(Decimal(10), "CAD"), (Decimal(20), "USD")]
    text = browser.get(f"/reports/?{QUESTION}").content.decode()
    assert '10.00<span class="unit">CAD</span>' in text
    assert '20.00<span class="unit">USD</span>' in text
    assert "30.00" not in text


def test_the_vendors_totals_are_compared_over_the_days_it_spoke_of(owner: Membership, asks: Actor) -> None:
    site = factories.site(owner.organisation)
    for day in (16, 20, 21):
        _roll(site, day, "10")
    _said(site, owner.organisation, 20, "12.5", 3)
    _said(site, owner.organisation, 21, "10", 2)
    _said(None, owner.organisation, 21, "4", 1, "HC-foreign")
    result = summary.figures(asks, WEEK)
    mine = result.sites[0].compared
    assert (mine.ours_kwh, mine.vendor_kwh, mine.difference_kwh) == (Decimal(20), Decimal("22.5"), Decimal("2.5"))
    assert (mine.ours_sessions, mine.vendor_sessions, mine.difference_sessions) == (4, 5, 1)
    assert result.unknown is not None
    assert result.unknown.compared.vendor_kwh == Decimal(4)
    assert (result.total.compared.vendor_kwh, result.total.compared.difference_kwh) == (Decimal("26.5"), Decimal("6.5"))
    assert result.vendor_since == date(2026, 11, 20)


def test_chart_and_table_say_the_same_total(owner: Membership, browser: Client) -> None:
    site = factories.site(owner.organisation)
    _roll(site, 16, "1200.125")
    _roll(site, 17, "34.5")
    text = browser.get(f"/reports/?{QUESTION}").content.decode()
    assert "7 days, 1,234.63 kWh in total." in text.replace("&nbsp;", " ").replace("\u00a0", " ")
    chart, by_site, by_day = (part.partition("</tfoot>")[0] for part in text.split("<tfoot>")[1:])
    assert "<td>1,234.63</td>" in chart
    assert '1,234.63<span class="unit">kWh</span>' in by_site
    assert '1,234.63<span class="unit">kWh</span>' in by_day


def test_the_csv_holds_every_row_of_the_period(owner: Membership, browser: Client) -> None:
    site = factories.site(owner.organisation, name="=1+1")
    _roll(site, 16, "1.111", "0.5", uncosted=1)
    _roll(site, 15, "9")
    _said(site, owner.organisation, 16, "1.2", 2)
    _said(site, owner.organisation, 17, "3", 1)
    answer = browser.get(f"/reports.csv?{QUESTION}")
    assert answer["Content-Disposition"] == 'attachment; filename="reports-2026-11-16-2026-11-22.csv"'
    assert list(csv.reader(answer.content.decode().splitlines())) == [
        list(summary.CSV_HEAD),
        ["2026-11-16", "'=1+1", "CAD", "2", "1.111", "0.5000", "1", "100", "2", "1.200"],
        ["2026-11-17", "'=1+1", "", "0", "0", "", "0", "0", "1", "3.000"],
    ]


def test_a_person_limited_to_a_site_sees_that_site_only(owner: Membership) -> None:
    mine, other = (factories.site(owner.organisation) for _n in range(2))
    _roll(mine, 16, "1")
    _roll(other, 16, "2")
    _roll(factories.site(), 16, "4")
    _said(other, owner.organisation, 16, "2", 2)
    limited = factories.member(Role.ACCOUNTANT, organisation=owner.organisation, site_ids=[mine.pk])
    result = summary.figures(factories.actor(limited), WEEK)
    assert ([line.site for line in result.sites], result.total.sums.energy_kwh) == ([mine], Decimal(1))
    assert result.total.compared.vendor_kwh is None
    lines = factories.client_for(limited).get(f"/reports.csv?{QUESTION}").content.decode().splitlines()
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("first=2026-11-22&last=2026-11-16", "The first day is after the last"),
        ("first=2026-11-22", "Give both days of the period"),
        ("first=2020-01-01&last=2026-01-01", "at most 366 days"),
        ("first=never&last=2026-01-01", "Enter a valid date"),
        ("site=999999", "Select a valid choice"),
        ("days=5000", "not one of the available choices"),
    ],
)
def test_a_question_that_makes_no_sense_is_named(browser: Client, owner: Membership, question: str, words: str) -> None:
    factories.site(owner.organisation)
    page = browser.get(f"/reports/?{question}")
    assert page.status_code == 200
    assert browser.get(f"/reports.csv?{question}").status_code == 400
    assert words in page.content.decode() or "days" in question


def test_an_empty_organisation_is_told_what_comes_first(browser: Client) -> None:
    assert "Add a site and its stations first." in browser.get("/reports/").content.decode()


def test_a_viewer_reads_but_does_not_export(owner: Membership) -> None:
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=owner.organisation))
    page = viewer.get("/reports/")
    assert page.status_code == 200
    assert "reports.csv" not in page.content.decode()
    assert viewer.get("/reports.csv").status_code == 404


def test_days_and_sites_cost_no_further_queries(owner: Membership, browser: Client) -> None:
    counts = []
    for _n in range(2):
        for day in (16, 17, 18):
            _roll(factories.site(owner.organisation), day, "1")
        with CaptureQueriesContext(connection) as queries:
            browser.get(f"/reports/?{QUESTION}")
        counts.append(len(queries))
    assert counts[0] == counts[1]
