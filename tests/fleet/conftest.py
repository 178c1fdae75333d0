"""Whose things the tests of the fleet are about: a new owner, and an account of theirs."""

import pytest

from fleet.models import Account
from people.models import Membership
from tests import factories


@pytest.fixture
def owner() -> Membership:
    return factories.member()


@pytest.fixture
def account(owner: Membership) -> Account:
    return factories.account(owner.organisation)
