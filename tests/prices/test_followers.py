"""Followers are told at once, when prices move, and every so often anyway, for as long as they say so."""

from __future__ import annotations

from hypothesis import settings as run_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.prices import followers
from actors.prices.followers import STILL_NS, Followers
from messages.prices import FOLLOW_S

LEASE_NS = round(FOLLOW_S * 1_000_000_000)
MARKETS = "abcd"
PEOPLE = ("ann", "bob")

people = st.sampled_from(PEOPLE)
markets = st.sampled_from(MARKETS)


def due(subject, now_ns):
    return {condition_id: set(told) for condition_id, told in subject.due(now_ns)}


class Following(RuleBasedStateMachine):
    """Against the simplest model: for each follower its lease, and for each of its markets two facts."""

    def __init__(self):
        super().__init__()
        self.now = 0
        self.subject = Followers()
        self.until = {}
        self.told = {}
        """By follower and market: when it was told last."""
        self.news = set()
        """What moved since followers were told, by market."""

    @rule(who=people, which=st.lists(markets, max_size=5))
    def follows(self, who, which):
        held = {market for person, market in self.told if person == who}
        fresh = self.subject.follow(who, which, self.now)
        assert fresh == [each for each in dict.fromkeys(which) if each not in held], "told of at once, once"
        for market in held - set(which):
            del self.told[who, market]
        for market in which:
            self.told.setdefault((who, market), self.now)
        self.until.pop(who, None)
        if which:
            self.until[who] = self.now + LEASE_NS
        self.news = {market for market in self.news if any(market == each for _, each in self.told)}

    @rule(market=markets)
    def moves(self, market):
        self.subject.moved(market)
        if any(market == each for _, each in self.told):
            self.news.add(market)

    @rule(by_ns=st.sampled_from([1, 250_000_000, STILL_NS - 1, STILL_NS, LEASE_NS, LEASE_NS + 1]))
    def time_passes(self, by_ns):
        self.now += by_ns

    @rule()
    def are_told(self):
        for who in [each for each, until in self.until.items() if until < self.now]:
            del self.until[who]
            self.told = {key: at for key, at in self.told.items() if key[0] != who}
        expected = {}
        for (who, market), at in self.told.items():
            if market in self.news or self.now - at >= STILL_NS:
                expected.setdefault(market, set()).add(who)
        assert due(self.subject, self.now) == expected
        for market, who in expected.items():
            self.told.update({(each, market): self.now for each in who})
        self.news = set()
        assert due(self.subject, self.now) == {}, "nobody is told twice"

    @invariant()
    def what_is_followed_is_what_somebody_follows(self):
        followed = {market for _, market in self.told}
        assert set(self.subject.markets()) == followed
        assert all((market in self.subject) == (market in followed) for market in MARKETS)


TestFollowing = Following.TestCase
TestFollowing.settings = run_settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_who_follows_on_hears_of_what_moved_just_before():
    subject = Followers()
    subject.follow("ann", "ab", 0)
    subject.moved("a")
    assert subject.follow("ann", "ab", 1) == []
    assert due(subject, 2) == {"a": {"ann"}}


def test_quiet_market_is_told_of_all_the_same_so_that_its_age_is_seen_to_grow():
    subject = Followers()
    subject.follow("ann", "a", 0)
    assert due(subject, STILL_NS - 1) == {}
    assert due(subject, STILL_NS) == {"a": {"ann"}}
    assert due(subject, 2 * STILL_NS - 1) == {}


def test_who_says_nothing_any_more_is_forgotten_whole():
    subject = Followers()
    subject.follow("ann", "ab", 0)
    subject.follow("bob", "b", 1)
    subject.moved("a")
    assert set(due(subject, LEASE_NS)) == {"a", "b"}
    assert due(subject, LEASE_NS + 1 + STILL_NS) == {}
    assert subject.markets() == []
    subject.moved("a")
    assert subject.follow("cid", "a", LEASE_NS * 3) == ["a"]
    assert due(subject, LEASE_NS * 3) == {}, "what moved when nobody followed is no news"


def test_sets_followed_are_replaced_not_added_to():
    subject = Followers()
    subject.follow("ann", "ab", 0)
    assert subject.follow("ann", "bcc", 1) == ["c"]
    assert subject.markets() == ["b", "c"]
    assert subject.follow("ann", "", 2) == []
    assert subject.markets() == []


def test_follower_that_follows_everything_has_a_bound(monkeypatch):
    monkeypatch.setattr(followers, "FOLLOWED_MAX", 3)
    subject = Followers()
    assert subject.follow("ann", "abcdef", 0) == ["a", "b", "c"]
    assert subject.markets() == ["a", "b", "c"]
