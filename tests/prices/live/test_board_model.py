"""The board of live books against the simplest venue there is: no wrong book is vouched for."""

from __future__ import annotations

from hypothesis import settings as run_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.prices.books import make_book
from actors.prices.live.board import SUSPECT_NS, Board
from actors.prices.live.events import BookSnapshot, LevelChange, LevelsChanged, TickChanged
from messages.trades import Side

TOKENS = ("1", "2", "3")
SHARD = "live-0"
MARKET = "0x" + "ab" * 32
SECOND = 1_000_000_000

tokens = st.sampled_from(TOKENS)
sides = st.sampled_from(Side)
cents = st.integers(1, 99).map(lambda cent: cent * 10_000)
sizes = st.integers(0, 5).map(lambda shares: shares * 1_000_000)


class Truth:
    """One outcome's book as the venue has it."""

    def __init__(self, token):
        self.token = token
        self.bids, self.asks = {400_000: 1_000_000}, {600_000: 1_000_000}
        self.at_ms = 1_000
        self.lost = False
        """Whether a change of it never reached the board, and nothing since has put that right."""

    def set(self, side, price, size, at_ms):
        bids, asks = dict(self.bids), dict(self.asks)
        own = bids if side is Side.BUY else asks
        own[price] = size
        if size == 0:
            del own[price]
        if bids and asks and max(bids) >= min(asks):
            return False
        self.bids, self.asks, self.at_ms = bids, asks, at_ms
        return True

    @property
    def hash(self):
        return repr((self.token, sorted(self.bids.items()), sorted(self.asks.items())))

    def book(self):
        return make_book(
            self.token, self.bids, self.asks, hash=self.hash, as_of_ns=0, changed_at_ms=self.at_ms
        )

    def change(self, side, price, size):
        return LevelChange(
            token_id=self.token,
            side=side,
            price=price,
            size=size,
            hash=self.hash,
            best_bid=max(self.bids, default=0),
            best_ask=min(self.asks, default=0),
        )


class Boards(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.now = 10 * SECOND
        self.board = Board(first_event_ns=30 * SECOND, verify_ns=30 * SECOND)
        self.truths = {token: Truth(token) for token in TOKENS}
        self.unread_ns = None
        self.asked = {}
        for token in TOKENS:
            self.board.add(token, SHARD, self.now)
        self.connect()

    @rule()
    def connect(self):
        self.board.down(SHARD)
        self.tick()
        self.board.up(SHARD, self.now)
        self.unread_ns = None
        for token in TOKENS:
            self.snapshot(token)

    @rule(token=tokens)
    def snapshot(self, token):
        truth = self.truths[token]
        event = BookSnapshot(condition_id=MARKET, book=truth.book(), tick=0, at_ms=truth.at_ms)
        self.board.take(SHARD, [event], self.now)
        truth.lost = False

    @rule(
        token=tokens, side=sides, price=cents, size=sizes, fate=st.sampled_from(["comes", "lost", "unread"])
    )
    def change(self, token, side, price, size, fate):
        truth = self.truths[token]
        before = truth.hash
        if size == 0 and price not in (truth.bids if side is Side.BUY else truth.asks):
            return
        self.tick()
        if not truth.set(side, price, size, self.now // 1_000_000) or truth.hash == before:
            return
        if fate == "comes":
            changes = (truth.change(side, price, size),)
            event = LevelsChanged(condition_id=MARKET, changes=changes, at_ms=truth.at_ms)
            self.board.take(SHARD, [event], self.now)
            return
        truth.lost = True
        if fate == "unread":
            self.board.gap(SHARD, self.now)
            self.unread_ns = self.unread_ns or self.now

    @rule(token=tokens)
    def tick_changes(self, token):
        event = TickChanged(
            condition_id=MARKET, token_id=token, old_tick=10_000, new_tick=1_000, at_ms=self.now // 1_000_000
        )
        self.board.take(SHARD, [event], self.now)
        assert self.board.proved_ns(token) is None, "a book from before the tick changed was vouched for"
        self.tick()

    @rule()
    def goes_down(self):
        self.board.down(SHARD)
        assert all(self.board.proved_ns(token) is None for token in TOKENS)

    @rule(token=tokens)
    def compared_with_clob(self, token):
        self.clob_is_asked(token)
        self.clob_answers(token)

    @rule(token=tokens)
    def clob_is_asked(self, token):
        """Whatever happens before `clob_answers` happens while the answer is on its way."""
        self.asked[token] = (self.now, self.truths[token].book())
        self.tick()

    @rule(token=tokens)
    def clob_answers(self, token):
        if token not in self.asked:
            return
        asked_ns, book = self.asked.pop(token)
        self.board.verify(book, asked_ns, self.now)
        seat = self.board.seat(token)
        if seat.book.trusted and not seat.book.differences(self.truths[token].book()):
            self.truths[token].lost = False

    @rule(
        token=tokens, side=sides, price=cents, size=sizes, fate=st.sampled_from(["comes", "lost", "unread"])
    )
    def answer_crosses_with_a_change(self, token, side, price, size, fate):
        self.clob_is_asked(token)
        self.change(token, side, price, size, fate)
        self.clob_answers(token)

    @rule()
    def time_passes(self):
        self.now += SUSPECT_NS + SECOND

    @rule()
    def it_is_looked_after(self):
        """After CLOB was asked, and again after a while, every book is right or not there."""
        for _ in range(3):
            for token in TOKENS:
                self.compared_with_clob(token)
            self.now += SUSPECT_NS + SECOND
        for token in TOKENS:
            truth, seat = self.truths[token], self.board.seat(token)
            assert not truth.lost or not seat.book.trusted
            if seat.book.trusted:
                assert seat.unsure_since_ns is None, "what was shown to hold is still in doubt"

    def tick(self):
        self.now += 10_000_000

    @invariant()
    def no_wrong_book_is_vouched_for(self):
        for token, truth in self.truths.items():
            seat = self.board.seat(token)
            frozen = seat.book.freeze(0)
            proved_ns = self.board.proved_ns(token)
            if frozen is None:
                continue
            assert proved_ns is not None
            assert not frozen.bids or not frozen.asks or frozen.bids[0][0] < frozen.asks[0][0]
            assert [price for price, _ in frozen.bids] == sorted(dict(frozen.bids), reverse=True)
            assert [price for price, _ in frozen.asks] == sorted(dict(frozen.asks))
            if not truth.lost:
                assert (dict(frozen.bids), dict(frozen.asks)) == (truth.bids, truth.asks)
            elif seat.unsure_since_ns is not None:
                assert proved_ns <= seat.unsure_since_ns, "what is in doubt grows older"


TestBoards = Boards.TestCase
TestBoards.settings = run_settings(max_examples=150, stateful_step_count=40, deadline=None)
