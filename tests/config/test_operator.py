"""The operator's changes on top of the configuration."""

from __future__ import annotations

from config.amounts import Micros, micros
from config.operator import following
from config.settings import FollowSetting, LeaderSetting, PortfolioSetting, Settings
from messages.operator import FollowOverride, LeaderOverride, Overrides

A, B, C = (f"0x{letter * 40}" for letter in "abc")
SETTINGS = Settings(
    leaders=(LeaderSetting(wallet=A, name="Ann"), LeaderSetting(wallet=B)),
    portfolios=(
        PortfolioSetting(id="all", ratio=micros("0.1")),
        PortfolioSetting(id="some", follow=(FollowSetting(wallet=B, ratio=micros("0.5")),)),
    ),
)


def effect(*, leaders=(), follows=()):
    """What is followed, by portfolio: (wallet, ratio, paused)."""
    now = following(SETTINGS, "h", Overrides(leaders=leaders, follows=follows))
    return {
        owner: [(one.wallet, one.ratio, one.paused) for one in ones] for owner, ones in now.follows.items()
    }


def test_without_changes_it_is_as_configured():
    now = following(SETTINGS, "h", Overrides())
    assert now.leaders == SETTINGS.leaders
    assert now.hashes == {"all": "h", "some": "h"}
    assert effect() == {"all": [(A, 100_000, False), (B, 100_000, False)], "some": [(B, 500_000, False)]}


def test_an_added_leader_is_copied_by_those_who_copy_every_leader():
    copied = effect(leaders=(LeaderOverride(wallet=C),))
    assert (C, 100_000, False) in copied["all"]
    assert [wallet for wallet, _, _ in copied["some"]] == [B]


def test_a_portfolio_with_a_list_copies_an_added_leader_where_it_is_told_to():
    copied = effect(
        leaders=(LeaderOverride(wallet=C),),
        follows=(FollowOverride(portfolio_id="some", wallet=C, ratio=7),),
    )
    assert copied["some"] == [(B, 500_000, False), (C, 7, False)]


def test_a_portfolio_whose_last_leader_is_removed_copies_nobody_rather_than_everybody():
    copied = effect(leaders=(LeaderOverride(wallet=B, is_removed=True),))
    assert copied == {"all": [(A, 100_000, False)], "some": []}


def test_pausing_keeps_the_ratio_and_a_new_ratio_keeps_the_pause():
    pause = FollowOverride(portfolio_id="some", wallet=B, is_paused=True)
    assert effect(follows=(pause,))["some"] == [(B, 500_000, True)]
    both = FollowOverride(portfolio_id="some", wallet=B, is_paused=True, ratio=9)
    assert effect(follows=(both,))["some"] == [(B, 9, True)]


def test_a_change_for_a_portfolio_or_leader_that_is_gone_waits_without_effect():
    changes = (
        FollowOverride(portfolio_id="gone", wallet=A, ratio=9),
        FollowOverride(portfolio_id="all", wallet=C, ratio=9),
    )
    assert effect(follows=changes) == effect()


def test_a_name_given_by_the_operator_stands_above_the_configured_one():
    now = following(SETTINGS, "h", Overrides(leaders=(LeaderOverride(wallet=A, name="Anna"),)))
    assert now.leaders[0] == LeaderSetting(wallet=A, name="Anna")


def test_only_the_portfolios_that_a_change_concerns_have_another_hash():
    change = FollowOverride(portfolio_id="some", wallet=B, ratio=9)
    hashes = following(SETTINGS, "h", Overrides(follows=(change,))).hashes
    assert hashes["all"] == "h"
    assert hashes["some"] != "h"
    other = following(
        SETTINGS, "h", Overrides(follows=(FollowOverride(portfolio_id="some", wallet=B, ratio=8),))
    )
    assert other.hashes["some"] != hashes["some"]


def test_ratios_stay_amounts():
    now = following(
        SETTINGS, "h", Overrides(follows=(FollowOverride(portfolio_id="all", wallet=A, ratio=9),))
    )
    assert isinstance(now.follows["all"][0].ratio, Micros)


def test_leaders_whom_nobody_copies_are_told_apart():
    def uncopied(*follows):
        return following(SETTINGS, "h", Overrides(leaders=(), follows=follows)).uncopied

    paused = FollowOverride(portfolio_id="all", wallet=A, is_paused=True)
    assert uncopied() == frozenset()
    assert uncopied(paused) == {A}
    assert uncopied(paused, FollowOverride(portfolio_id="some", wallet=A)) == frozenset()
    only = following(Settings(leaders=SETTINGS.leaders, portfolios=SETTINGS.portfolios[1:]), "h", Overrides())
    assert only.uncopied == {A}
