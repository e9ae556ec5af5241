"""Values of several rounds by figure: what is told of each is its median, and between what it lay."""

from __future__ import annotations

import statistics


class Rounds:
    """Collects; a figure that was measured once is told as it is."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def add(self, **figures: float) -> None:
        """Take the figures of one round."""
        for name, value in figures.items():
            self._values.setdefault(name, []).append(value)

    def medians(self) -> dict[str, float]:
        """Return each figure's median."""
        return {name: statistics.median(values) for name, values in self._values.items()}

    def spreads(self) -> dict[str, tuple[float, float]]:
        """Return the least and the most of each figure."""
        return {name: (min(values), max(values)) for name, values in self._values.items()}
