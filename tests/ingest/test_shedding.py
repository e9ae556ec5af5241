"""Under load: what nobody copies is put off, counted, and brought later; what is copied is waited for."""

from __future__ import annotations

import time

import pytest

from messages.ingest import LeadersWatched
from messages.store import StoreAvailability
from messages.trades import SourceKind

COPIED, UNCOPIED = ("0x" + digit * 40 for digit in "12")


def tx(number):
    return f"0x{number:064x}"


@pytest.fixture
async def running(house, venue, until):
    """An ingest that follows one leader who is copied and one who is not, both of them the probe."""
    made = house(sockets=1, poll_interval_s=3600.0)
    now_s = int(time.time())
    wallets = (COPIED, UNCOPIED)
    made.base.tell(
        made.ingest,
        LeadersWatched(
            addresses=dict.fromkeys(wallets, made.leader),
            polled_from_s=dict.fromkeys(wallets, now_s - 5),
            uncopied=frozenset({UNCOPIED}),
        ),
    )
    await until(lambda: venue.sockets)
    await until(lambda: len(venue.asked) >= 4)
    return made


def press(running, is_pressed):
    running.base.tell(running.store, StoreAvailability(available=True, is_pressed=is_pressed))


async def test_what_nobody_copies_is_counted_and_comes_when_there_is_room_and_the_rest_at_once(
    running, venue, until, frame, row
):
    press(running, True)
    await until(lambda: running.base.snapshot("ingest")["is_pressed"])
    now_s = int(time.time())
    for number in range(1, 6):
        await venue.send(
            frame(proxyWallet=UNCOPIED, transactionHash=tx(number), timestamp=now_s),
            frame(proxyWallet=COPIED, transactionHash=tx(100 + number), timestamp=now_s),
        )
        venue.rows.append(row(proxy_wallet=UNCOPIED, transaction_hash=tx(number), timestamp=now_s))
    await until(lambda: len(running.fills) == 5)
    assert {fill.wallet for fill in running.fills} == {COPIED}
    await until(lambda: running.base.snapshot("ingest/stream-0")["shed"] == 5)
    await until(lambda: running.base.snapshot("ingest/poller")["put_off"] == 1)
    assert {fill.wallet for fill in running.fills} == {COPIED}

    press(running, False)
    await until(lambda: len({fill.tx for fill in running.fills}) == 10)
    late = [fill for fill in running.fills if fill.wallet == UNCOPIED]
    assert {(fill.tx, fill.kind) for fill in late} == {(tx(n), SourceKind.API) for n in range(1, 6)}


async def test_nothing_is_shed_without_load(running, venue, until, frame):
    now_s = int(time.time())
    for number in range(1, 50):
        await venue.send(frame(proxyWallet=UNCOPIED, transactionHash=tx(number), timestamp=now_s))
    await until(lambda: len(running.fills) == 49)
    assert running.base.snapshot("ingest/stream-0")["shed"] == 0


async def test_who_becomes_copied_is_read_at_once_though_the_load_goes_on(running, venue, until, frame, row):
    press(running, True)
    await until(lambda: running.base.snapshot("ingest")["is_pressed"])
    now_s = int(time.time())
    await venue.send(frame(proxyWallet=UNCOPIED, transactionHash=tx(1), timestamp=now_s))
    venue.rows.append(row(proxy_wallet=UNCOPIED, transaction_hash=tx(1), timestamp=now_s))
    await until(lambda: running.base.snapshot("ingest/stream-0")["shed"] == 1)
    await until(lambda: running.base.snapshot("ingest/poller")["put_off"] == 1)
    running.watch(now_s, COPIED, UNCOPIED)
    await until(lambda: [fill.tx for fill in running.fills] == [tx(1)])
