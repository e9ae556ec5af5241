"""What an import did, fit to be shown or encoded as JSON."""

from __future__ import annotations

import msgspec


class ImportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of what was taken from the source, and of what had to be made up."""

    source: str
    out: str
    records: int
    fills: int
    wallets: dict[str, int]
    """Fills by wallet, busiest first."""
    markets: int
    books: int
    first_at: str
    last_at: str
    made_up: dict[str, int]
    """Records by source whose content, or part of it, is nowhere in the source."""
