"""Tokens on sockets: each on one, where it stays, and no socket open for nothing."""

from __future__ import annotations

from hypothesis import settings as run_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.prices.live.shards import Shards

SOCKETS_MAX, TOKENS_MAX = 3, 2
NAMES = ("live-0", "live-1", "live-2")

tokens = st.sampled_from([str(number) for number in range(9)])


class Placing(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.subject = Shards(SOCKETS_MAX, TOKENS_MAX)
        self.home = {}
        """Where each token was seen first, for as long as it is carried."""

    def carried_by(self, shard):
        return [token for token, home in self.home.items() if home == shard]

    @rule(token=tokens, avoid=st.sampled_from(["", *NAMES]))
    def place(self, token, avoid):
        shard = self.subject.place(token, avoid)
        if token in self.home:
            assert shard == self.home[token], "a token stays where it is"
            return
        free = [name for name in NAMES if name != avoid and len(self.carried_by(name)) < TOKENS_MAX]
        assert (shard in free) if free else (shard is None)
        if shard is not None:
            fullest = max(len(self.carried_by(name)) for name in free)
            assert len(self.carried_by(shard)) == fullest, "no socket more than are needed"
            self.home[token] = shard

    @rule(token=tokens)
    def remove(self, token):
        assert self.subject.remove(token) == self.home.pop(token, None)

    @rule(wanted=st.sets(tokens))
    def surplus_goes(self, wanted):
        surplus = self.subject.surplus(wanted)
        assert set(surplus) == set(self.home) - wanted
        for token in surplus:
            self.remove(token)

    @invariant()
    def each_token_is_on_one_socket_and_no_socket_is_too_full_or_open_for_nothing(self):
        carried = {name: self.subject.of(name) for name in self.subject.open()}
        assert carried == {name: tuple(self.carried_by(name)) for name in NAMES if self.carried_by(name)}
        assert all(len(each) <= TOKENS_MAX for each in carried.values())
        assert len(self.subject) == len(self.home) <= self.subject.capacity
        for number in range(9):
            assert self.subject.home(str(number)) == self.home.get(str(number))
            assert (str(number) in self.subject) == (str(number) in self.home)


TestPlacing = Placing.TestCase
TestPlacing.settings = run_settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_outcome_that_a_socket_never_delivers_can_be_given_another():
    shards = Shards(2, 10)
    assert shards.place("1") == "live-0"
    assert shards.remove("1") == "live-0"
    assert shards.place("1", avoid="live-0") == "live-1"
    assert shards.open() == ["live-1"]


def test_only_socket_cannot_be_avoided():
    shards = Shards(1, 10)
    assert shards.place("1", avoid="live-0") is None
    assert "1" not in shards
    assert shards.place("1") == "live-0"


def test_no_sockets_no_room():
    shards = Shards(0, 10)
    assert shards.capacity == 0
    assert shards.place("1") is None
    assert shards.open() == []
    assert shards.of("live-0") == ()
