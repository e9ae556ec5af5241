"""The example file, from which users begin."""

from __future__ import annotations

import re
from importlib.resources import files

from config import schema
from config.loading import load
from config.origins import OriginKind
from config.settings import Caps, FollowSetting, Guards, PortfolioSetting, Settings

EXAMPLE = files("config") / "example.yaml"


def test_the_example_loads_and_shows_the_defaults():
    result = load(EXAMPLE, {})

    settings = result.settings
    for name in schema.fields(Settings):
        if name not in ("leaders", "portfolios"):
            assert getattr(settings, name) == getattr(Settings(), name), name
    (portfolio,) = settings.portfolios
    assert (portfolio.caps, portfolio.guards) == (Caps(), Guards())
    plain = PortfolioSetting(id=portfolio.id)
    assert (portfolio.mode, portfolio.cash, portfolio.ratio) == (plain.mode, plain.cash, plain.ratio)
    assert portfolio.follow == tuple(FollowSetting(wallet=leader.wallet) for leader in settings.leaders)


def test_the_example_leaves_no_setting_out():
    written = {
        re.sub(r"\.\d+", ".0", key)
        for key, origin in load(EXAMPLE, {}).origins.items()
        if origin.kind is OriginKind.FILE
    }
    leaves = {key for key in schema.names() if not schema.is_section(schema.find(tuple(key.split("."))).base)}

    assert leaves - written == set()
