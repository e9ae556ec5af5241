"""How many shares: drawn so that trades have the spread of sizes of a recorded day."""

from __future__ import annotations

import bisect
import math
import random
from typing import Final

MICRO: Final = 1_000_000
"""Shares are counted in millionths, as on chain."""

# Quantiles of the sizes of some 9,800 recorded trades, in shares.
_QUANTILES: Final = (0.0, 0.10, 0.25, 0.50, 0.75, 0.90, 0.99, 0.999, 1.0)
_SHARES: Final = (1.0, 12.0, 100.0, 286.0, 789.0, 1861.0, 13_560.0, 72_700.0, 177_000.0)
_LOGS: Final = tuple(math.log(shares) for shares in _SHARES)

# How finely the recorded sizes are cut: whole shares, hundredths, millionths.
_WHOLE: Final = 0.46
_HUNDREDTHS: Final = 0.81


def draw_size(chance: random.Random, *, below: float = 1.0) -> int:
    """Return a size in millionths of a share; `below` cuts the largest part of the spread off."""
    shares = _at(chance.random() * below)
    grain = chance.random()
    if grain < _WHOLE:
        return max(1, round(shares)) * MICRO
    if grain < _HUNDREDTHS:
        return max(1, round(shares * 100)) * (MICRO // 100)
    return max(MICRO // 100, round(shares * MICRO))


def draw_depth(chance: random.Random, typical_shares: float) -> int:
    """Return the size of one price level, in millionths of a share, on hundredths."""
    shares = typical_shares * math.exp(chance.gauss(0.0, 0.9))
    return max(500, round(min(shares, 2_000_000.0) * 100)) * (MICRO // 100)


def _at(quantile: float) -> float:
    """Return the size at a quantile; between the known ones it grows by an even ratio."""
    index = min(bisect.bisect_right(_QUANTILES, quantile), len(_QUANTILES) - 1)
    low, high = _QUANTILES[index - 1], _QUANTILES[index]
    part = (quantile - low) / (high - low)
    return math.exp(_LOGS[index - 1] + part * (_LOGS[index] - _LOGS[index - 1]))
