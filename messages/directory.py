"""Where the singletons live: filled once while the tree is built, read at each send.

It is handed to actors at spawn, so it outlives their restarts (addresses survive those too). The
addresses are the runtime's own; this vocabulary does not know their type.
"""

from __future__ import annotations

from typing import Any


class Directory:
    """The addresses of the house's singletons by role. Using a role not filled in yet is an error."""

    store: Any
    prices: Any
    ingest: Any
    leaders: Any
    portfolios: Any
    markets: Any
    executor: Any
    venue: Any
    """The venue adapter: answers `PlaceOrder`, `OrderQuery`, `VenueAccountQuery`, …."""

    def __init__(self, **addresses: Any) -> None:
        for role, address in addresses.items():
            setattr(self, role, address)

    def __getattr__(self, role: str) -> Any:
        raise LookupError(f"nobody has the role {role!r} yet; the tree fills roles in as it starts them")
