"""When levels changed last: what is recent is known, what is old is let go, and it costs next to nothing."""

from __future__ import annotations

from actors.prices.live.book import CHANGES_MAX, LATELY_MS, Ladder

PRICES = [price * 100 for price in range(1, 1_001)]


def test_whatever_changed_lately_is_known_in_a_book_where_everything_changes():
    ladder = Ladder()
    for at_ms in range(5_000):
        ladder.put(PRICES[at_ms % len(PRICES)], 1, at_ms)
    assert ladder.changed_ms == {price: 4_000 + place for place, price in enumerate(PRICES)}


def test_a_change_of_long_ago_is_let_go_when_there_are_many():
    ladder = Ladder()
    for place, price in enumerate(PRICES):
        ladder.put(price, 1, place * (LATELY_MS // 10))
    assert PRICES[0] not in ladder.changed_ms
    assert len(ladder.changed_ms) <= CHANGES_MAX + 1


def test_a_busy_book_is_not_sifted_at_every_change():
    ladder, sifted = Ladder(), []
    for at_ms in range(3 * len(PRICES)):
        held = ladder.changed_ms
        ladder.put(PRICES[at_ms % len(PRICES)], 1, at_ms)
        sifted.append(ladder.changed_ms is not held)
    assert sum(sifted) <= 2
