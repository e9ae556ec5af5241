"""The paper venue's own books: the first record stands, and the account is folded from them alone."""

from __future__ import annotations

from typing import Any

from examples import NO, NOON_NS, PAPER, SHARE, USDC, YES, changed, fill, order
from store_desk import Desk

from messages.orders import Fill, FillKind, OrderState
from messages.store import (
    LeaderPosition,
    LoadPaperAccount,
    LoadPaperOrder,
    PaperOrder,
    StorePaperOrder,
    StorePaperSettlement,
)
from messages.trades import Side


def paper(*fills: Fill, **changes: Any) -> PaperOrder:
    fields = {"order": order(), "state": OrderState.FILLED, "reason": "", "fills": fills, "at_ns": NOON_NS}
    return PaperOrder(**(fields | changes))


def booked(number: int, **changes: Any) -> Fill:
    return fill(**{"seq": 0, "fill_id": f"p{number}"} | changes)


async def test_an_order_comes_back_as_it_was_booked(desk: Desk) -> None:
    done = paper(booked(1), booked(2, fee=30), reason="a level was gone")
    assert (await desk.ask(StorePaperOrder(paper=done))).paper == done
    assert (await desk.ask(LoadPaperOrder(order_id="0xo"))).paper == done


async def test_an_order_nobody_placed_is_none(desk: Desk) -> None:
    assert (await desk.ask(LoadPaperOrder(order_id="0xnone"))).paper is None


async def test_the_first_record_of_an_order_stands(desk: Desk) -> None:
    first = paper(booked(1))
    second = paper(state=OrderState.REJECTED, reason="no liquidity")
    assert (await desk.ask(StorePaperOrder(paper=first))).paper == first
    assert (await desk.ask(StorePaperOrder(paper=second))).paper == first
    assert await desk.rows("SELECT count(*) FROM paper_fills") == [(1,)]


async def test_the_first_record_of_an_order_stands_within_a_batch(desk: Desk) -> None:
    first, second = paper(booked(1)), paper(booked(2), reason="again")
    for number, one in enumerate((first, second, first)):
        desk.put(StorePaperOrder(paper=one), number)
    await desk.settled()
    assert [answer.paper for sender, answer in desk.answers if isinstance(sender, int)] == [first] * 3
    assert await desk.rows("SELECT fill_id FROM paper_fills") == [("p1",)]


async def test_a_settlement_is_booked_once(desk: Desk) -> None:
    paid = booked(1, order_id="", kind=FillKind.SETTLEMENT, side=Side.SELL, price=1_000_000)
    assert (await desk.ask(StorePaperSettlement(fill=paid))).fill == paid
    again = await desk.ask(StorePaperSettlement(fill=changed(paid, usdc=1)))
    assert again.fill == paid


async def test_the_account_is_folded_from_the_venues_books(desk: Desk) -> None:
    await desk.load()
    bought = paper(booked(1, size=10 * SHARE, usdc=5 * USDC, fee=100), booked(2, token_id=NO, usdc=USDC))
    sold = paper(
        booked(3, order_id="0xs", side=Side.SELL, size=4 * SHARE, usdc=3 * USDC, fee=50),
        booked(4, order_id="0xs", side=Side.SELL, token_id=NO, usdc=2 * USDC),
        order=order(order_id="0xs", side=Side.SELL),
    )
    for one in (bought, sold):
        await desk.ask(StorePaperOrder(paper=one))
    account = await desk.ask(LoadPaperAccount(portfolio_id=PAPER))
    assert account.holdings == (LeaderPosition(YES, 6 * SHARE),)
    assert account.cash == 1000 * USDC - 5 * USDC - 100 - USDC + 3 * USDC - 50 + 2 * USDC


async def test_an_account_without_trades_has_its_starting_cash(desk: Desk) -> None:
    await desk.load()
    account = await desk.ask(LoadPaperAccount(portfolio_id=PAPER))
    assert (account.holdings, account.cash) == ((), 1000 * USDC)
