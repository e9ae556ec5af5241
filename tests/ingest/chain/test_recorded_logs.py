"""Logs recorded on Polygon decode to what is known of them."""

from __future__ import annotations

import pytest

from actors.ingest.chain import fills, wire
from actors.ingest.chain.tokens import COLLATERAL_TRANSFER, TOKEN_EVENTS
from messages.trades import Side

pytestmark = pytest.mark.samples


@pytest.fixture
def logs(sample):
    return [wire.log(line.encode()) for line in sample("chain/logs.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("number", "exchange", "side", "size", "price", "fee"),
    [
        (0, "V2 standard", Side.SELL, 4_180_000, 940_000, 0),
        (1, "V1 standard", Side.BUY, 17_700_000, 420_000, 1_770_000),
    ],
)
def test_a_recorded_fill(logs, number, exchange, side, size, price, fee):
    fill = fills.decode(logs[number])

    assert (fill.exchange.name, fill.side, fill.size, fill.price, fill.fee) == (
        exchange,
        side,
        size,
        price,
        fee,
    )
    assert not fill.is_taker
    assert fills.owner_of(logs[number]) == fill.owner


@pytest.mark.parametrize(
    ("number", "name", "amount"),
    [
        (2, "PositionSplit", 20_000_000),
        (3, "PositionsMerge", 21_120_000),
        (4, "PositionsConverted", 10_000_000),
    ],
)
def test_a_recorded_change_of_tokens(logs, number, name, amount):
    log = logs[number]
    event = TOKEN_EVENTS[log.address, log.topics[0]]

    assert (event.name, event.decode(log.topics, log.data)["amount"]) == (name, amount)


def test_a_recorded_payout(logs):
    assert logs[5].topics[0] == COLLATERAL_TRANSFER.topic
    assert COLLATERAL_TRANSFER.decode(logs[5].topics, logs[5].data)["value"] == 5_050_504


def test_every_recorded_log_says_its_place_and_time(logs):
    assert all(log.is_placed and log.block_s is not None and not log.removed for log in logs)
