"""Run inside the product's environment: the organisation, its account, sites and stations of a replay, and an API key.

`python -m bench.replay.world PLAN.json` prints the key as its last line.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import django

ORGANISATION, OWNER = "Replay", "owner@example.com"


def build(plan: dict[str, Any]) -> str:
    """`{"base_url", "api_key", "limit", "window_s", "sites": [...], "stations": [...]}` into rows; returns the key."""
    from fleet import accounts, stations
    from fleet.models import Site, Station
    from lib import clock, secrets
    from people import api_keys, organisations

    now = clock.now()
    member = organisations.found(name=ORGANISATION, email=OWNER, password=secrets.new_token(), now=now)
    account = accounts.create(
        actor=None, organisation=member.organisation, name="Replay", base_url=plan["base_url"],
        environment="production", api_key=plan["api_key"], request_limit=plan["limit"], window_s=plan["window_s"],
        now=now,
    )  # fmt: skip
    sites = {
        one["site"]: Site.objects.create(
            organisation=member.organisation, name=one["site"], timezone=one["timezone"], currency=one["currency"]
        )
        for one in plan["sites"]
    }
    stations.create_many(
        stations=[(_station(Station, one, account, sites[one["site"]]), one["connectors"]) for one in plan["stations"]]
    )
    return api_keys.mint(membership=member, name="Replay's drivers", now=now)[1]


def _station(model: Any, one: dict[str, Any], account: Any, site: Any) -> Any:
    return model(
        organisation=site.organisation, account=account, site=site, vendor_id=one["station"], level=one["level"],
        rated_kw=Decimal(str(one["rated_kw"])), start_limit_s=300,
    )  # fmt: skip


if __name__ == "__main__":
    django.setup()
    print(build(json.loads(Path(sys.argv[1]).read_text())))
