"""The vendor's totals as the sandbox, a process of its own, says them."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

import eevion
from fleet.models import Account, UnknownStation
from reporting import vendor_totals
from reporting.models import VendorTotal
from tests import factories
from tests.contract.vendor import Vendor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


@pytest.fixture
def account(vendor: Vendor) -> Account:
    return factories.account(base_url=vendor.url, api_key=vendor.key())


def _somebody_elses_session(vendor: Vendor, vendor_id: str, energy_kwh: str) -> None:
    vendor.order("plug", stationId=vendor_id, connectorId=1, plan={"energy_kwh": energy_kwh, "duration_s": 60})
    vendor.order("rfid", stationId=vendor_id, connectorId=1)
    vendor.advance(120)


def test_sessions_that_we_did_not_start_are_counted_and_unknown_stations_offered(
    vendor: Vendor, account: Account
) -> None:
    ours, foreign = vendor.station(), vendor.station()
    station = factories.station(factories.site(account.organisation), account=account, vendor_id=ours)
    _somebody_elses_session(vendor, ours, "7.125")
    _somebody_elses_session(vendor, foreign, "2.5")
    assert vendor_totals.fetch(account, vendor.now()) == 2
    said = {row.vendor_station_id: (row.site, row.sessions, row.energy_kwh) for row in VendorTotal.objects.all()}
    assert said == {ours: (station.site, 1, Decimal("7.125")), foreign: (None, 1, Decimal("2.500"))}
    notice = UnknownStation.objects.get()
    assert (notice.account, notice.vendor_id, notice.seen_in) == (account, foreign, "reporting")


def test_fetching_again_replaces_what_was_said(vendor: Vendor, account: Account) -> None:
    ours = vendor.station()
    factories.station(factories.site(account.organisation), account=account, vendor_id=ours)
    _somebody_elses_session(vendor, ours, "1")
    vendor_totals.fetch(account, vendor.now())
    _somebody_elses_session(vendor, ours, "2")
    vendor_totals.fetch(account, vendor.now())
    assert sum(row.sessions or 0 for row in VendorTotal.objects.all()) == 2
    assert sum(row.energy_kwh or 0 for row in VendorTotal.objects.all()) == Decimal(3)


def test_a_failure_leaves_what_was_known(vendor: Vendor, account: Account) -> None:
    ours = vendor.station()
    factories.station(factories.site(account.organisation), account=account, vendor_id=ours)
    _somebody_elses_session(vendor, ours, "1")
    vendor_totals.fetch(account, vendor.now())
    before = list(VendorTotal.objects.values())
    vendor.fault("reporting", "error")
    with pytest.raises(eevion.EevionError):
        vendor_totals.fetch(account, vendor.now())
    assert list(VendorTotal.objects.values()) == before
