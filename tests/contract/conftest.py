"""The two sides of the contract, each run for real."""

from collections.abc import Iterator

import pytest

from tests.contract.vendor import Inbox, Vendor


@pytest.fixture(scope="session")
def running_vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    yield vendor
    vendor.close()


@pytest.fixture
def vendor(running_vendor: Vendor) -> Iterator[Vendor]:
    """The running sandbox, without the faults that an earlier test ordered."""
    yield running_vendor
    running_vendor.order("faults", clear=True)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    yield inbox
    inbox.close()
