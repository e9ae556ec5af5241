"""What a venue is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ops.venue.errors import BadSetting
from ops.venue.faults.spec import FaultSpec

_WALLETS_MIN: Final = 2
_PORT_MAX: Final = 65_535
_ENDING_SHARES: Final = ("late_share", "disputed_share", "void_share", "legacy_share")


@dataclass(frozen=True, kw_only=True)
class VenueConfig:
    """Where the venue listens, what it plays, how fast, and what goes wrong on the way."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free port."""

    tape: Path | None = None
    """The tape to play; without one the seeded generator feeds the venue."""
    speed: float = 1.0
    """How many seconds of the tape pass in one second of play."""
    fit_seconds: float | None = None
    """Compress or stretch the tape so that its last record plays after this long; overrides `speed`."""

    seed: int = 1
    frames_per_second: float = 50.0
    """The generator's rate of trade frames, platform-wide."""
    run_seconds: float | None = None
    """How long the generator runs before play is finished; without it, for ever."""
    markets: int = 120
    short_lived_markets: int = 6
    """How many markets at any time live for seconds only, and resolve during the run."""
    short_lived_seconds: tuple[float, float] = (20.0, 60.0)
    wallets: int = 1500
    leaders: int = 5
    leader_share: float = 0.08
    """The part of all transactions that one of the suggested leaders takes part in."""
    quotes_per_trade: float = 1.0
    """Book moves without a trade, for each trade."""
    tick_change_share: float = 0.3
    """The part of the markets on ticks of a cent whose tick becomes finer once the price is extreme."""
    version_two_share: float = 0.05
    """The part of all markets that are of the second protocol, whose tokens are in `positionIds`."""
    late_share: float = 0.1
    """The part of the short-lived markets that close without a winner shown, and resolve a while later."""
    disputed_share: float = 0.02
    """The part of them whose proposed winner is disputed for a while."""
    void_share: float = 0.02
    """The part of them that resolve 50-50."""
    legacy_share: float = 0.0
    """The part of them that close with prices of nothing, and never say who won."""
    oracle_seconds: tuple[float, float] = (3.0, 12.0)
    """How long what the oracle says before its last word stands."""

    autostart: bool = False
    """Start to play as soon as the venue listens."""
    wait_for_subscriber: bool = True
    """Start to play when the first trade-stream subscriber arrives. `/control/start` starts it always."""
    start_delay_seconds: float = 0.2
    """How long play waits once it may start, so that a client's parallel sockets all see the first frame."""
    hold_without_subscriber: bool = False
    """Stop the play clock while nobody is subscribed to the trade stream."""

    activity_lag_seconds: float = 2.0
    """How long after a trade the Data API shows it."""
    metadata_lag_seconds: float = 5.0
    """How long a row of the Data API has `outcome_index` 999 and an empty `event_slug`."""
    activity_cache_seconds: float = 15.0
    positions_cache_seconds: float = 5.0
    trades_cache_seconds: float = 300.0
    history_rows_max: int = 1_000_000
    """Trades kept for the Data API and for `/control/truth`; the oldest go first."""

    requests_kept: int = 1_000
    """Requests whose time of arrival is kept for `Venue.arrivals`; the oldest go first."""

    outbox_frames_max: int = 20_000
    """Frames that wait for one slow socket before it is closed, or before play waits."""
    wait_for_slow_sockets: bool = False
    """Let play wait for slow sockets instead of closing them: nothing is lost, but time stretches."""
    blank_frame_every: int = 500
    """A blank text frame after so many frames of the trade stream; 0 for none."""

    faults: FaultSpec = field(default_factory=FaultSpec)

    def __post_init__(self) -> None:
        for name in ("speed", "fit_seconds", "frames_per_second", "run_seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise BadSetting(f"{name} was {value}, but must be more than 0")
        if self.wallets < _WALLETS_MIN:
            raise BadSetting(f"wallets was {self.wallets}, but a trade takes at least {_WALLETS_MIN}")
        if self.markets + self.short_lived_markets < 1:
            raise BadSetting("markets and short_lived_markets were 0, but there must be something to trade")
        for name in ("tick_change_share", "version_two_share", *_ENDING_SHARES):
            if not 0 <= getattr(self, name) <= 1:
                raise BadSetting(f"{name} was {getattr(self, name)}, but a share goes from 0 to 1")
        shares = sum(getattr(self, name) for name in _ENDING_SHARES)
        if shares > 1:
            raise BadSetting(f"{', '.join(_ENDING_SHARES)} were {shares:g} together, but the most is 1")
        if not 0 <= self.port <= _PORT_MAX:
            raise BadSetting(f"port was {self.port}, but ports go from 0 (any free one) to {_PORT_MAX}")
