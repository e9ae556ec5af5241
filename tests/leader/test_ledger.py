"""One identity per trade, whatever the sources do (D8)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from examples import NOON_NS, NS, SHARE, TX, changed, report, trade, tx_of
from hypothesis import given
from hypothesis import strategies as st

from actors.leader.ledger import DUST, TWINS_MAX, NewTrade, TradeLedger
from messages.trades import FillTotal, Side, SourceKind

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
        is_remainder=new.is_remainder,
    )


def news(ledger, *rows):
    """What rows that come together add."""
    found = [new for row in rows for new in ledger.observe(row) if isinstance(new, NewTrade)]
    return found + ledger.decided()


def accepted(ledger, *rows):
    return [new.size for new in news(ledger, *rows)]


def corrected(changes):
    """What counts of each trade that was corrected, in shares."""
    return [each.now // SHARE for change in changes for each in change.corrections]


def test_a_storm_of_redeliveries_makes_one_trade():
    ledger = TradeLedger()
    storm = [report(feed=f"stream-{n % 3}") for n in range(30)] + [report(kind=API, feed="poll")] * 30
    assert accepted(ledger, *storm) == [100 * SHARE]


def test_the_second_fill_of_a_transaction_is_not_lost():
    rows = report(size=10 * SHARE), report(size=20 * SHARE), report(token_id="222", size=20 * SHARE)
    assert accepted(TradeLedger(), *rows) == [10 * SHARE, 20 * SHARE, 20 * SHARE]


def test_identical_rows_of_one_transaction_are_twins_with_keys_of_their_own():
    ledger = TradeLedger()
    first, second = news(ledger, report(occurrence=1), report(occurrence=2))
    assert [first.ordinal, second.ordinal] == [0, 1]
    assert first.key != second.key


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
    (rest,) = news(ledger, report(kind=API, feed="poll", price=470_000))
    assert (rest.size, rest.price, rest.usdc) == (70 * SHARE, 500_000, 35 * SHARE)


def test_parallel_sockets_that_lost_different_rows_complete_each_other():
    one, two = report(size=10 * SHARE, feed="stream-1"), report(size=20 * SHARE, feed="stream-2")
    assert accepted(TradeLedger(), one, two, changed(two, feed="stream-1")) == [10 * SHARE, 20 * SHARE]


def test_rows_a_feed_counted_but_nobody_handed_over_become_trades_of_their_own():
    ledger = TradeLedger()
    found = news(ledger, report(occurrence=3))
    assert [new.size for new in found] == [100 * SHARE] * 3
    assert len({new.key for new in found}) == 3


def test_rounding_between_sources_is_no_trade():
    ledger = TradeLedger()
    accepted(ledger, *[report(size=33_333_333, occurrence=n) for n in (1, 2, 3)])
    assert accepted(ledger, report(kind=API, feed="poll", size=100 * SHARE)) == []


def test_a_restart_does_not_take_the_rest_of_a_row_for_a_trade_again():
    ledger = TradeLedger()
    leg, row = report(size=30 * SHARE), report(kind=API, feed="poll")
    trades = [stored(each, new) for each in (leg, row) for new in news(ledger, each)]
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
    (new,) = news(restarted, report(occurrence=2))
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
            trades += [stored(row, new) for new in news(ledger, row)]
            assert sum(each.size for each in trades) <= truth + DUST
    whole = Feed(API, "poll-3")
    for row in [whole.deliver(row) for row in data.draw(st.permutations(api))]:
        trades += [stored(row, new) for new in news(ledger, row)]
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


def test_a_transaction_taken_back_never_happened():
    ledger = TradeLedger()
    rows = chained(), chained(token_id="222", side=Side.SELL, size=5 * SHARE), chained(tx=tx_of(2))
    accepted(ledger, *rows)

    changes = ledger.retracted(TX, NOON_NS)

    assert [(change.token_id, corrected([change])) for change in changes] == [("111", [0]), ("222", [0])]
    assert ledger.retracted(TX, NOON_NS) == []


def test_neither_what_was_known_nor_a_late_row_brings_back_what_was_taken_back():
    ledger = TradeLedger()
    known = report(), report(kind=API, feed="poller", sweep_ns=NOON_NS)
    accepted(ledger, *known, chained())
    ledger.retracted(TX, NOON_NS + NS)

    for row in (*known, report(occurrence=2), report(size=7 * SHARE)):
        assert ledger.observe(row) == ()


def test_a_transaction_mined_again_is_the_same_trade_and_no_new_one():
    ledger = TradeLedger()
    accepted(ledger, report(), chained())
    ledger.retracted(TX, NOON_NS)

    changes = ledger.observe(chained())

    assert corrected(changes) == [100]
    assert ledger.observe(chained()) == ()


def test_a_sweep_that_began_well_after_it_brings_back_what_was_taken_back():
    ledger = TradeLedger(settle_ns=6 * NS)
    accepted(ledger, chained())
    ledger.retracted(TX, NOON_NS)

    early, late = (report(kind=API, feed="poller", sweep_ns=NOON_NS + after_s * NS) for after_s in (5, 6))
    assert ledger.observe(early) == ()
    assert corrected(ledger.observe(late)) == [100]


def test_a_retraction_is_known_after_a_restart():
    ledger = TradeLedger()
    (new,) = news(ledger, chained())
    again = TradeLedger()
    again.restore(changed(stored(chained(), new), stands=0))

    assert again.retracted(TX, NOON_NS) == []
    assert again.observe(report()) == ()
    assert corrected(again.observe(chained())) == [100]


def test_a_transaction_that_nobody_reported_takes_nothing_back():
    assert TradeLedger().retracted(TX, NOON_NS) == []


@given(st.lists(st.sampled_from(["stream", "api", "chain", "retract"]), max_size=30))
def test_no_order_of_reports_and_retractions_makes_a_second_trade(history):
    ledger, found, counts = TradeLedger(settle_ns=NS), 0, 0
    kinds = {"stream": STREAM, "api": API, "chain": CHAIN}
    for number, step in enumerate(history):
        at_ns = NOON_NS + number * NS
        if step == "retract":
            changes = ledger.retracted(TX, at_ns)
        else:
            row = report(kind=kinds[step], feed=step, sweep_ns=at_ns if step == "api" else 0)
            changes = ledger.observe(row)
        for change in changes:
            if isinstance(change, NewTrade):
                found += 1
                counts += change.size
            else:
                counts += sum(each.now - each.was for each in change.corrections)
    assert found <= 1
    assert counts in (0, 100 * SHARE)
    if history and history[-1] == "chain":
        assert counts == 100 * SHARE


def test_what_the_stream_told_in_two_envelopes_is_one_fill_once_the_api_has_said_so():
    ledger = TradeLedger(settle_ns=6 * NS)
    accepted(ledger, report(occurrence=1), report(occurrence=2))
    sweep_ns = NOON_NS + 6 * NS
    assert accepted(ledger, report(kind=API, feed="poller", sweep_ns=sweep_ns)) == []

    assert corrected(ledger.swept(sweep_ns)) == [0]

    assert accepted(ledger, report(occurrence=3), report(feed="stream-2", occurrence=3)) == []


def test_a_sweep_that_began_too_early_or_could_not_be_read_whole_is_final_for_nothing():
    ledger = TradeLedger(settle_ns=6 * NS)
    accepted(ledger, report(occurrence=1), report(occurrence=2))
    for sweep_ns, is_whole in ((NOON_NS + 6 * NS - 1, True), (NOON_NS + 7 * NS, False)):
        accepted(ledger, report(kind=API, feed="poller", sweep_ns=sweep_ns))
        assert ledger.swept(sweep_ns, is_whole=is_whole) == []


def test_what_the_api_finally_says_does_not_stand_against_what_the_chain_shows():
    ledger = TradeLedger(settle_ns=0)
    accepted(ledger, chained(occurrence=1), chained(occurrence=2))
    accepted(ledger, report(kind=API, feed="poller", sweep_ns=NOON_NS))
    assert ledger.swept(NOON_NS) == []


def test_the_chains_last_word_stands_against_the_api():
    ledger = TradeLedger(settle_ns=0)
    accepted(ledger, *[report(kind=API, feed="poller", occurrence=n, sweep_ns=NOON_NS) for n in (1, 2)])
    changes = ledger.confirmed(TX, [FillTotal("111", Side.BUY, 100 * SHARE)])
    assert corrected(changes) == [0]
    again = [report(kind=API, feed="poller", occurrence=n, sweep_ns=NOON_NS + NS) for n in (1, 2)]
    assert accepted(ledger, *again) == []


def test_the_chain_says_nothing_of_an_outcome_that_it_has_not_seen():
    ledger = TradeLedger()
    accepted(ledger, report())
    assert ledger.confirmed(TX, [FillTotal("222", Side.BUY, SHARE)]) == []


def test_a_correction_takes_what_was_accepted_last_and_leaves_the_rest_whole():
    ledger = TradeLedger(settle_ns=0)
    accepted(ledger, report(size=10 * SHARE), report(size=20 * SHARE), report(size=30 * SHARE))
    accepted(ledger, report(kind=API, feed="poller", size=25 * SHARE, sweep_ns=NOON_NS))
    assert corrected(ledger.swept(NOON_NS)) == [0, 15]


def test_less_by_what_two_decimals_leave_out_is_no_correction():
    ledger = TradeLedger(settle_ns=0)
    accepted(ledger, report(size=33_340_000, occurrence=3))
    accepted(ledger, report(kind=API, feed="poller", size=100_010_000, sweep_ns=NOON_NS))
    assert ledger.swept(NOON_NS) == []


def test_a_row_that_a_sweep_shows_otherwise_than_the_one_before_is_no_second_trade():
    """The API may serve an order while it is still reading it in."""
    ledger = TradeLedger(settle_ns=0)
    first = report(kind=API, feed="poller", size=30 * SHARE, sweep_ns=NOON_NS)
    then = report(kind=API, feed="poller", size=100 * SHARE, sweep_ns=NOON_NS + NS)
    assert accepted(ledger, first) == [30 * SHARE]
    assert accepted(ledger, then) == [70 * SHARE]


def test_rows_of_kinds_that_cut_alike_are_matched_however_they_come():
    """One socket delivered the second of two fills; the API then reports both, the first one first."""
    ledger = TradeLedger()
    accepted(ledger, report(size=101 * SHARE))
    both = [report(kind=API, feed="poller", size=size * SHARE, sweep_ns=1) for size in (102, 101)]
    assert accepted(ledger, *both) == [102 * SHARE]


def test_a_storm_of_equal_rows_ends_at_the_cap():
    ledger = TradeLedger()
    assert len(accepted(ledger, report(occurrence=10**6))) == TWINS_MAX
    assert accepted(ledger, report(occurrence=10**6 + 1)) == []
    assert ledger.storms == 2


def test_a_remainder_whose_sibling_was_buried_is_not_taken_for_a_whole_row_after_a_restart():
    ledger, row = TradeLedger(), report(kind=CHAIN, feed="chain")
    accepted(ledger, report(size=30 * SHARE))
    (rest,) = news(ledger, row)
    restarted = TradeLedger()
    restarted.restore(stored(row, rest))
    assert accepted(restarted, row) == [30 * SHARE]


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

    found = news(TradeLedger(), *history)

    assert sum(new.size for new in found) == sum(size for size, _ in legs)
    usdc = sum(size * price // SHARE for size, price in legs)
    assert abs(sum(new.usdc for new in found) - usdc) <= len(found)
    assert len({new.key for new in found}) == len(found)


def test_what_was_taken_back_before_a_restart_counts_again_when_it_is_mined_again():
    gone = trade(kind=CHAIN, size=100 * SHARE, stands=0)
    ledger = TradeLedger()
    ledger.restore(gone)
    found = ledger.observe(report(kind=CHAIN, tx=gone.tx, size=gone.size, price=gone.price))
    assert [one.now for change in found for one in change.corrections] == [gone.size]
