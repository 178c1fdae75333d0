"""One running product for the whole folder. Each test takes stations of its own in it."""

from collections.abc import Iterator

import pytest

from tests.hardship.house import House


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    try:
        house.start()
        yield house
    finally:
        house.stack.stop()
