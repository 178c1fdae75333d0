"""What the tests of the Eevion client share."""

from collections.abc import Iterator

import pytest

from tests.eevion.peer import Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()
