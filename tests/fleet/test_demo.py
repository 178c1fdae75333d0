"""The demo organisation: made once by the same import, its logins, and again for free."""

import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from fleet.models import Account, Connector, Site, Station, Tariff
from people.models import Membership, User
from people.roles import Role

pytestmark = pytest.mark.django_db
STATIONS = (
    "site,timezone,currency,latitude,longitude,grid_limit_kw,station,name,level,connectors,rated_kw\n"
    "Port,America/Halifax,CAD,44.6,-63.5,150,HC-1,Nord,2,2,7.2\nPort,America/Halifax,CAD,44.6,-63.5,150,HC-2,,3,1,62.5\n"
)
TARIFFS = "fee_id,name,currency,price_per_kwh,price_per_minute,price_per_start\nfee_l2_public,L2,CAD,0.35,0,0.5\n"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setitem(os.environ, "SANDBOX_URL", "http://127.0.0.1:9/")
    (tmp_path / "stations.csv").write_text(STATIONS)
    (tmp_path / "tariffs.csv").write_text(TARIFFS)
    return ["--stations", str(tmp_path / "stations.csv"), "--tariffs", str(tmp_path / "tariffs.csv")]


def test_made_once_and_again_for_free(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_demo", *files)
    call_command("create_demo", *files)
    account = Account.objects.get()
    assert (account.base_url, account.api_key) == ("http://127.0.0.1:9", "sandbox-production-key")
    assert sorted(User.objects.values_list("email", "is_demo")) == sorted((f"{r}@example.com", True) for r in Role)
    assert Membership.objects.filter(organisation__is_demo=True, organisation__name="Demo fleet").count() == 5
    assert User.objects.get(email="viewer@example.com").check_password("demo-charging")
    assert list(Station.objects.values_list("vendor_id", "tariff__fee_id")) == [
        ("HC-1", "fee_l2_public"),
        ("HC-2", None),
    ]
    assert (Site.objects.count(), Connector.objects.count(), Tariff.objects.count()) == (1, 3, 1)
    last = capsys.readouterr().out.splitlines()[-1]
    assert "owner@example.com" in last and "demo-charging" in last


def test_without_the_sandbox_it_says_what_to_do(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(os.environ, "SANDBOX_URL")
    with pytest.raises(CommandError, match="do all of this"):
        call_command("create_demo", *files)


def test_a_bad_row_leaves_nothing_behind(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "stations.csv").write_text(STATIONS.replace("America/Halifax", "Mars/North", 1))
    with pytest.raises(CommandError, match="line 2: unknown time zone"):
        call_command("create_demo", *files)
    assert (User.objects.count(), Account.objects.count(), Tariff.objects.count()) == (0, 0, 0)
