"""One identity per trade, whatever the sources do (D8)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from examples import NOON_NS, NS, SHARE, TX, changed, report, trade, tx_of
from hypothesis import given
from hypothesis import strategies as st

from actors.leader.ledger import DUST, Reversal, TradeLedger
from messages.trades import Side, SourceKind

API, CHAIN, STREAM = SourceKind.API, SourceKind.CHAIN, SourceKind.STREAM


def stored(row, new):
    """What the store has of an accepted trade."""
    return trade(
        tx=row.tx,
        kind=row.kind,
        size=new.size,
        price=new.price,
        usdc=new.usdc,
        ordinal=new.ordinal,
        key=new.key,
    )


def accepted(ledger, *rows):
    return [new.size for row in rows for new in ledger.observe(row)]


def test_a_storm_of_redeliveries_makes_one_trade():
    ledger = TradeLedger()
    storm = [report(feed=f"stream-{n % 3}") for n in range(30)] + [report(kind=API, feed="poll")] * 30
    assert accepted(ledger, *storm) == [100 * SHARE]


def test_the_second_fill_of_a_transaction_is_not_lost():
    rows = report(size=10 * SHARE), report(size=20 * SHARE), report(token_id="222", size=20 * SHARE)
    assert accepted(TradeLedger(), *rows) == [10 * SHARE, 20 * SHARE, 20 * SHARE]


def test_identical_rows_of_one_transaction_are_twins_with_keys_of_their_own():
    ledger = TradeLedger()
    news = [new for n in (1, 2) for new in ledger.observe(report(occurrence=n))]
    assert [new.ordinal for new in news] == [0, 1]
    assert news[0].key != news[1].key


def test_two_on_the_stream_and_three_reported_later_make_one_new_trade():
    ledger = TradeLedger()
    accepted(ledger, report(occurrence=1), report(occurrence=2))
    later = [report(kind=API, feed="poll", occurrence=n) for n in (1, 2, 3)]
    assert accepted(ledger, *later) == [100 * SHARE]


def test_legs_on_the_stream_and_their_sum_from_the_api_are_one_order():
    ledger = TradeLedger()
    legs = report(size=30 * SHARE, price=450_000), report(size=70 * SHARE, price=520_000)
    assert accepted(ledger, *legs) == [30 * SHARE, 70 * SHARE]
    assert accepted(ledger, report(kind=API, feed="poll", price=499_000)) == []


def test_a_leg_that_no_socket_delivered_is_what_the_api_has_more():
    ledger = TradeLedger()
    accepted(ledger, report(size=30 * SHARE, price=400_000))
    (rest,) = ledger.observe(report(kind=API, feed="poll", price=470_000))
    assert (rest.size, rest.price, rest.usdc) == (70 * SHARE, 500_000, 35 * SHARE)


def test_parallel_sockets_that_lost_different_rows_complete_each_other():
    one, two = report(size=10 * SHARE, feed="stream-1"), report(size=20 * SHARE, feed="stream-2")
    assert accepted(TradeLedger(), one, two, changed(two, feed="stream-1")) == [10 * SHARE, 20 * SHARE]


def test_rows_a_feed_counted_but_nobody_handed_over_become_trades_of_their_own():
    ledger = TradeLedger()
    news = ledger.observe(report(occurrence=3))
    assert [new.size for new in news] == [100 * SHARE] * 3
    assert len({new.key for new in news}) == 3


def test_rounding_between_sources_is_no_trade():
    ledger = TradeLedger()
    accepted(ledger, *[report(size=33_333_333, occurrence=n) for n in (1, 2, 3)])
    assert accepted(ledger, report(kind=API, feed="poll", size=100 * SHARE)) == []


def test_a_restart_does_not_take_the_rest_of_a_row_for_a_trade_again():
    ledger = TradeLedger()
    leg, row = report(size=30 * SHARE), report(kind=API, feed="poll")
    trades = [stored(each, new) for each in (leg, row) for new in ledger.observe(each)]
    restarted = TradeLedger()
    for each in trades:
        restarted.restore(each)
    assert accepted(restarted, row, leg, row) == []


def test_a_twin_that_comes_after_a_restart_is_still_a_trade():
    restarted = TradeLedger()
    restarted.restore(trade())
    assert accepted(restarted, report(), report(occurrence=2)) == [100 * SHARE]


def test_a_trade_whose_write_failed_does_not_come_back_under_its_twins_key():
    restarted, twin = TradeLedger(), trade(ordinal=1)
    restarted.restore(twin)
    (new,) = restarted.observe(report(occurrence=2))
    assert new.key not in (twin.key, trade(ordinal=0).key)


def test_what_is_older_than_the_window_is_forgotten():
    ledger = TradeLedger()
    accepted(ledger, report(), report(tx=tx_of(2), traded_at_ns=NOON_NS + NS))
    assert ledger.prune(NOON_NS + NS) == 1
    assert len(ledger) == 1


# -- against a model: what truly happened, and feeds that lose, repeat, reorder and restart ------------


@dataclass
class Feed:
    """A socket or a poller: counts what it delivers, and may lose rows before it counts them."""

    kind: SourceKind
    name: str
    counted: Counter = field(default_factory=Counter)

    def deliver(self, row):
        size, price, usdc = row
        self.counted[row] += 1
        return report(
            kind=self.kind,
            feed=self.name,
            size=size,
            price=price,
            usdc=usdc,
            occurrence=self.counted[row],
        )


LEGS = st.lists(st.tuples(st.integers(1, 5), st.sampled_from([400_000, 500_000])), min_size=1, max_size=6)


def rows_of(legs, orders):
    """Return the rows of the stream (a leg each) and of the API (an order each)."""
    stream = [(size * SHARE, price, size * price) for size, price in legs]
    api = []
    for order in set(orders[: len(legs)]):
        own = [leg for leg, number in zip(stream, orders, strict=False) if number == order]
        size, usdc = sum(leg[0] for leg in own), sum(leg[2] for leg in own)
        api.append((size, usdc * SHARE // size, usdc))
    return stream, api


def partial(data, feed, rows):
    """Deliver the rows but for some that the feed never saw."""
    lost = data.draw(st.sets(st.integers(0, len(rows) - 1)), label=f"{feed.name} never saw")
    return [feed.deliver(row) for place, row in enumerate(rows) if place not in lost]


def restarted(trades):
    ledger = TradeLedger()
    for each in trades:
        ledger.restore(each)
    return ledger


@given(LEGS, st.lists(st.integers(0, 2), min_size=6, max_size=6), st.data())
def test_accepted_shares_never_exceed_the_truth_and_reach_it_with_a_whole_poll(legs, orders, data):
    stream, api = rows_of(legs, orders)
    truth = sum(row[0] for row in stream)
    feeds = [Feed(STREAM, "stream-1"), Feed(STREAM, "stream-2"), Feed(API, "poll-1"), Feed(API, "poll-2")]
    reports = [row for feed in feeds for row in partial(data, feed, stream if feed.kind is STREAM else api)]
    reports += data.draw(st.lists(st.sampled_from(reports))) if reports else []
    ledger, trades = TradeLedger(), []
    for row in data.draw(st.permutations(reports)):
        fate = data.draw(st.sampled_from(["handled", "handled", "lost on the way", "restart"]))
        if fate == "restart":
            ledger = restarted(trades)
        if fate != "lost on the way":
            trades += [stored(row, new) for new in ledger.observe(row)]
            assert sum(each.size for each in trades) <= truth + DUST
    whole = Feed(API, "poll-3")
    for row in [whole.deliver(row) for row in data.draw(st.permutations(api))]:
        trades += [stored(row, new) for new in ledger.observe(row)]
        assert sum(each.size for each in trades) <= truth + DUST
    assert abs(sum(each.size for each in trades) - truth) <= DUST
    assert len({each.key for each in trades}) == len(trades)


@given(LEGS, st.data())
def test_one_socket_that_delivered_everything_is_enough(legs, data):
    stream, _ = rows_of(legs, [0] * 6)
    whole, partly = Feed(STREAM, "stream-1"), Feed(STREAM, "stream-2")
    lost = data.draw(st.sets(st.integers(0, len(stream) - 1)))
    reports = [whole.deliver(row) for row in stream]
    reports += [partly.deliver(row) for place, row in enumerate(stream) if place not in lost]
    ledger = TradeLedger()
    assert sum(accepted(ledger, *data.draw(st.permutations(reports)))) == sum(row[0] for row in stream)


def test_transactions_do_not_touch_each_other():
    assert accepted(TradeLedger(), report(tx=TX), report(tx=tx_of(9))) == [100 * SHARE] * 2


def chained(**changes):
    return report(kind=CHAIN, feed="chain", **changes)


def test_a_fill_on_the_chain_and_its_legs_on_the_stream_are_one_order():
    ledger = TradeLedger()
    legs = report(size=30 * SHARE, price=450_000), report(size=70 * SHARE, price=520_000)
    assert accepted(ledger, chained(price=499_000), *legs) == [100 * SHARE]


def test_resting_orders_on_the_chain_and_their_sum_from_the_api_are_the_same_trades():
    ledger = TradeLedger()
    rows = chained(size=40 * SHARE, occurrence=1), chained(size=40 * SHARE, occurrence=2)
    assert accepted(ledger, *rows, report(kind=API, feed="poller", size=80 * SHARE)) == [40 * SHARE] * 2


def moved(ledger, row):
    """Take a report as a leader does."""
    for new in ledger.observe(row):
        ledger.moved(row, new.size if row.side == "BUY" else -new.size)


def test_a_transaction_taken_back_never_happened():
    ledger = TradeLedger()
    for row in (chained(), chained(token_id="222", side=Side.SELL, size=5 * SHARE), chained(tx=tx_of(2))):
        moved(ledger, row)

    reversals = ledger.retract(TX)

    assert reversals == [
        Reversal("111", Side.BUY, -100 * SHARE),
        Reversal("222", Side.SELL, 5 * SHARE),
    ]
    assert ledger.retract(TX) == []


def test_what_was_reported_before_it_was_taken_back_does_not_bring_it_back():
    ledger = TradeLedger()
    known = report(), report(kind=API, feed="poller")
    for row in (*known, chained()):
        moved(ledger, row)
    ledger.retract(TX)

    for row in known:
        assert ledger.put_back(row) is None
        assert ledger.observe(row) == ()


def test_a_transaction_mined_again_is_the_same_trade_and_no_new_one():
    ledger = TradeLedger()
    for row in (report(), chained()):
        moved(ledger, row)
    ledger.retract(TX)

    assert ledger.put_back(chained()) == Reversal("111", Side.BUY, 100 * SHARE)
    assert ledger.observe(chained()) == ()
    assert ledger.put_back(chained()) is None


def test_a_source_that_had_not_spoken_before_brings_a_trade_back():
    ledger = TradeLedger()
    moved(ledger, chained())
    ledger.retract(TX)

    late = report(kind=API, feed="poller")
    assert ledger.put_back(late) == Reversal("111", Side.BUY, 100 * SHARE)
    assert ledger.observe(late) == ()


def test_a_retraction_is_known_after_a_restart():
    ledger = TradeLedger()
    (new,) = ledger.observe(chained())
    again = TradeLedger()
    again.restore(
        changed(stored(chained(), new), retracted_at_ns=1, position_before=0, position_after=100 * SHARE)
    )

    assert again.retract(TX) == []
    assert again.put_back(chained()) == Reversal("111", Side.BUY, 100 * SHARE)
    assert again.observe(chained()) == ()


def test_a_transaction_that_nobody_reported_takes_nothing_back():
    assert TradeLedger().retract(TX) == []


@given(st.lists(st.sampled_from(["stream", "api", "chain", "retract"]), max_size=30))
def test_no_order_of_reports_and_retractions_makes_a_second_trade(history):
    ledger = TradeLedger()
    kinds = {"stream": STREAM, "api": API, "chain": CHAIN}
    news, position = 0, 0
    for step in history:
        if step == "retract":
            position += sum(one.shares for one in ledger.retract(TX))
            continue
        row = report(kind=kinds[step], feed=step)
        back = ledger.put_back(row)
        position += back.shares if back is not None else 0
        for new in ledger.observe(row):
            news += 1
            position += new.size
            ledger.moved(row, new.size)
    assert news <= 1
    assert position in (0, 100 * SHARE)
    if history and history[-1] == "chain":
        assert position == 100 * SHARE


def told_by(legs, kind, *, whole):
    """Return what a source reports of an order: its legs, twins numbered, or one row with their sum."""
    if whole:
        size = sum(size for size, _ in legs)
        usdc = sum(size * price // SHARE for size, price in legs)
        return [report(kind=kind, feed=kind, size=size, price=usdc * SHARE // size, usdc=usdc)]
    seen = Counter()
    rows = []
    for size, price in legs:
        seen[size, price] += 1
        rows.append(report(kind=kind, feed=kind, size=size, price=price, occurrence=seen[size, price]))
    return rows


legs_of_an_order = st.lists(
    st.tuples(st.integers(1, 5).map(lambda n: n * SHARE), st.sampled_from([400_000, 500_000])),
    min_size=1,
    max_size=4,
)


@given(legs=legs_of_an_order, rests=st.booleans(), data=st.data())
def test_stream_chain_and_api_in_any_order_and_number_are_the_same_shares(legs, rests, data):
    """An order that rests is a row for each match on the chain, one that takes is one row; the stream sends
    legs, the API sums."""
    told = [
        *told_by(legs, STREAM, whole=False),
        *told_by(legs, CHAIN, whole=not rests),
        *told_by(legs, API, whole=True),
    ]
    history = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=6))))

    ledger = TradeLedger()
    news = [new for row in history for new in ledger.observe(row)]

    assert sum(new.size for new in news) == sum(size for size, _ in legs)
    assert abs(sum(new.usdc for new in news) - sum(size * price // SHARE for size, price in legs)) <= len(
        news
    )
    assert len({new.key for new in news}) == len(news)
