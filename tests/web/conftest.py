"""The web actor, serving."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from web_house import House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.close()
