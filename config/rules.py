"""Rules between settings: what no single value can break by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from config.origins import DEFAULT, Origin
from config.problems import Problem, nearest, problem_at
from config.settings import PortfolioSetting, Settings


def check(settings: Settings, origins: Mapping[str, Origin]) -> Iterator[Problem]:
    """Yield every rule that is broken, each where the offending value was written.

    An empty wallet or id stands for one that was refused already; no rule looks at it again.
    """
    for key, message, hint in _broken(settings):
        yield problem_at(origins.get(key, DEFAULT), key, message, hint)


def _broken(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield key, message and hint."""
    wallets = [leader.wallet for leader in settings.leaders]
    yield from _repeated(wallets, "leaders.{}.wallet")
    yield from _repeated([portfolio.id for portfolio in settings.portfolios], "portfolios.{}.id")
    for index, portfolio in enumerate(settings.portfolios):
        yield from _follow(portfolio, f"portfolios.{index}.follow", wallets)
    yield from _nodes(settings)
    yield from _waits(settings)


def _nodes(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """No message here shows a node's URL, which may hold a key."""
    urls = settings.endpoints.polygon_urls
    for index, url in enumerate(urls):
        if url and url in urls[:index]:
            yield f"endpoints.polygon_urls.{index}", "was there before", "name each node once"
    if settings.ingest.polygon_strict and not urls:
        yield "ingest.polygon_strict", "was true without any endpoints.polygon_urls", "name a node"
    if settings.ingest.trigger == "polygon" and not urls:
        yield "ingest.trigger", "was polygon without any endpoints.polygon_urls", "name a node, or use api"


def _repeated(values: Sequence[str], key: str) -> Iterator[tuple[str, str, str]]:
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        if value and first.setdefault(value, index) != index:
            yield key.format(index), f"was {value} again", f"first as {key.format(first[value])}"


def _follow(portfolio: PortfolioSetting, key: str, leaders: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    followed = [follow.wallet for follow in portfolio.follow]
    yield from _repeated(followed, f"{key}.{{}}.wallet")
    if "" in leaders:
        return
    known = frozenset(leaders)
    for index, wallet in enumerate(followed):
        if wallet and wallet not in known:
            meant = nearest(wallet, leaders)
            hint = f"did you mean {meant}?" if meant else "add it to leaders"
            yield f"{key}.{index}.wallet", f"was {wallet}, which is none of leaders", hint


def _waits(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """A first wait longer than the longest would make every back-off end where it starts."""
    pairs = (
        ("database.retry", settings.database.retry_first_s, settings.database.retry_max_s),
        ("ingest.reconnect", settings.ingest.reconnect_first_s, settings.ingest.reconnect_max_s),
        ("prices.backoff", settings.prices.backoff_first_s, settings.prices.backoff_max_s),
    )
    for name, first, longest in pairs:
        if first > longest:
            yield f"{name}_first_s", f"was {first:g}, expected at most {name}_max_s ({longest:g})", ""
