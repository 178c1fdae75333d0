"""The context of templates/ui/reference.html: every component with plausible values. Used by the tests beside it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import sin
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.safestring import SafeString

from lib import charts, curves, icons

NOW = datetime(2026, 11, 23, 19, 32, 5, tzinfo=UTC)
ZONE = "America/Toronto"


class SiteForm(forms.Form):
    name = forms.CharField(label="Site name", initial="Harbour Street")
    limit = forms.IntegerField(label="Grid limit", max_value=500, help_text="What the grid connection allows.")
    tariff = forms.ChoiceField(label="Tariff", choices=[("a", "Public, level 2")], required=False)
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 2}), required=False)
    active = forms.BooleanField(label="Active", help_text="Takes part in reports.", required=False)
    kind = forms.ChoiceField(label="Kind", choices=[("l2", "Level 2"), ("l3", "Level 3")], widget=forms.RadioSelect)


def context() -> dict[str, Any]:
    form = SiteForm({"name": "Harbour Street", "limit": "5000", "tariff": "a", "kind": "l2"})
    form.add_error(None, "The site could not be saved yet.")
    return {
        "states": list(icons.MARKS),
        "now": NOW,
        "started_at": NOW - timedelta(hours=1, minutes=34),
        "until": NOW + timedelta(hours=1),
        "zone": ZONE,
        "form": form,
        "figures": {**_lists(), **_charts()},
        "shell": shell(),
    }


def shell(theme: str = "") -> dict[str, Any]:
    items = [
        ("live", "zap", "Live", 42, "warn"),
        ("sites", "map-pin", "Sites", None, False),
        ("stations", "ev-charger", "Stations", None, False),
        ("sessions", "plug-zap", "Sessions", None, False),
        ("exceptions", "triangle-alert", "Exceptions", 3, "bad"),
        ("commands", "square-terminal", "Commands", None, False),
        ("reports", "chart-column", "Reports", None, False),
        ("tariffs", "receipt", "Tariffs", None, False),
        ("settings", "settings", "Settings", None, False),
    ]
    nav = [
        {"name": name, "href": f"/{name}", "icon": icon, "label": label, "current": name == "live"}
        | ({"count": count, "alert": alert, "words": f"{count} are open"} if count is not None else {})
        for name, icon, label, count, alert in items
    ]
    membership = {
        "organisation": {"name": "Demo organisation"},
        "user": "owner@example.com",
        "get_role_display": "Owner",
    }
    return {"nav": nav, "membership": membership, "theme": theme, "keys_off": False, "demo": True}


def _lists() -> dict[str, Any]:
    trace = [Decimal(str(round(60 + 20 * sin(step / 3), 1))) for step in range(24)]
    states = ["charging", "charging", "charging", "suspended", "stopped", "pending"]
    rows = [
        {
            "name": f"Station {order}",
            "state": state,
            "site": ["Harbour Street", "Mill Lane Depot"][order % 2],
            "trace": [value * (6 - order) / 5 for value in trace],
            "power_kw": Decimal("212.44") / order
            if state == "charging"
            else (None if state == "pending" else Decimal(0)),
            "energy_kwh": Decimal("105.268") / order,
            "cost": Decimal("62.105") / order,
            "estimated": state == "charging",
        }
        for order, state in enumerate(states, 1)
    ]
    key = ["charging", "pending", "suspended", "blocked", "faulted", "offline", "unavailable", "no-news"]
    sites = [
        {
            "name": name,
            "power_kw": Decimal(kw),
            "limit_kw": 500,
            "kind": "idle" if kw > 450 else "s1",
            "states": key[:1] * (kw // 40) + key[1:],
            "summary": f"{kw // 40} charging, 7 others",
        }
        for name, kw in (("Harbour Street", 318), ("Mill Lane Depot", 91), ("Station Plaza", 468), ("North Lot", 171))
    ]
    return {
        "power": "1,284",
        "trace": trace,
        "rows": rows,
        "key": key,
        "sites": sites,
        "price": Decimal("0.4275"),
        "energy": Decimal("105.2684"),
        "live_states": [("live", "Live"), ("delayed", "Delayed"), ("paused", "Paused"), ("still", "As loaded")],
    }


def _curve(readings: list[curves.Reading]) -> SafeString:
    first_at, last_at = readings[0].at, readings[-1].at
    idle = [curves.Span(last_at - timedelta(minutes=12), None, "the car takes no energy")]
    half_at = first_at + (last_at - first_at) / 2
    periods = [curves.Span(first_at, half_at, "Day"), curves.Span(half_at, None, "Night")]
    return curves.power(
        "curve", "Power curve", readings, ZoneInfo(ZONE), cumulative="Energy", idle=idle, periods=periods
    )


def _charts() -> dict[str, Any]:
    first = date(2026, 10, 25)
    month = [first + timedelta(days=step) for step in range(30)]
    year = [date(2026, 1, 1) + timedelta(days=step) for step in range(326)]
    level_2 = charts.Series("Level 2", [Decimal(300 + step * 7 % 120) for step in range(30)])
    level_3 = charts.Series("Level 3", [Decimal(700 + step * 53 % 310) for step in range(30)])
    before = charts.Series("30 days before", [950 + step * 37 % 260 for step in range(30)])
    start_at = NOW - timedelta(minutes=70)
    readings = [
        curves.Reading(
            start_at + timedelta(minutes=step), Decimal(min(248, 40 + step * 30) - step * 2), Decimal(step * 3)
        )
        for step in range(70)
        if not 30 < step < 42
    ]
    differences = charts.Series("Difference", [Decimal(step * 13 % 29 - 14) / 10 for step in range(30)])
    return {
        "energy_chart": charts.days("energy", "Energy per day", month, [level_2, level_3], "kWh", previous=before),
        "revenue_bars": charts.hbars(
            [
                ("Harbour Street", Decimal("8214.4"), "#a"),
                ("Mill Lane Depot", Decimal("3904.6"), ""),
                ("Station Plaza", None, ""),
            ],
            "CAD",
            decimals=2,
        ),
        "curve": _curve(readings),
        "lines_chart": charts.lines(
            "lines",
            "Sessions",
            year,
            [charts.Series("Sessions", [20 + step % 31 for step in range(326)])],
            "",
            area=True,
        ),
        "negative_chart": charts.days("minus", "Difference", month, [differences], "kWh", decimals=1),
        "zero_chart": charts.days("zero", "Energy", month, [charts.Series("Energy", [0] * 30)], "kWh"),
    }
