"""Answers and their ages, counted with as little ado as a hit deserves, made into metrics when scraped."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from messages.markets import Tier

AGES_MS: Final = (100, 250, 500, 1_000, 2_000, 5_000, 15_000, 30_000, 120_000, 900_000)
"""The upper ends of the histogram's buckets."""
_LABELS: Final = [f"{each / 1000:g}" for each in AGES_MS]

Count = list[int]
"""One number, shared by who counts and who shows it."""


class Tallies(Collector):
    """What all desks of this process counted, by kind of answer."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, Tier, str], Count] = {}
        self._ages: dict[tuple[str, Tier, str], Count] = {}

    def answers(self, kind: str, tier: Tier, result: str) -> Count:
        """Return the count of answers of a kind, at a tier, that came of hit, miss or coalesced."""
        return self._answers.setdefault((kind, tier, result), [0])

    def ages(self, kind: str, tier: Tier, source: str) -> Count:
        """Return the counts by age: one for each bucket, those beyond them all, and the sum of all ages."""
        return self._ages.setdefault((kind, tier, source), [0] * (len(AGES_MS) + 2))

    def collect(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "remora_prices_answers",
            "Queries by what became of them: hit, miss (started a flight), coalesced (joined one)",
            labels=["kind", "tier", "result"],
        )
        for labels, count in list(self._answers.items()):
            answers.add_metric([str(each) for each in labels], count[0])
        yield answers
        ages = HistogramMetricFamily(
            "remora_prices_answer_age_seconds",
            "How old the data was that was answered with",
            labels=["kind", "tier", "source"],
        )
        for labels, counts in list(self._ages.items()):
            ages.add_metric([str(each) for each in labels], _buckets(counts), counts[-1] / 1000)
        yield ages


def note_age(counts: Count, age_ms: int) -> None:
    """Count an age."""
    counts[bisect_left(AGES_MS, age_ms)] += 1
    counts[-1] += age_ms


def _buckets(counts: Count) -> list[tuple[str, float]]:
    total, found = 0, []
    for label, count in zip([*_LABELS, "+Inf"], counts, strict=False):
        total += count
        found.append((label, float(total)))
    return found


TALLIES: Final = Tallies()
REGISTRY.register(TALLIES)
