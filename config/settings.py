"""Every setting with its default. Amounts are integers of 1e-6, written as decimals in YAML.

One struct a section, one field a key; what a field means stands below it and is what `remora config show`
prints. Nothing here reads a file: see `config.loading`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from config.amounts import Micros as Micros
from config.amounts import micros as micros
from config.limits import (
    Amount,
    BasisPoints,
    Count,
    CountOrZero,
    DatabaseUrl,
    FilterWallets,
    FrameBytes,
    KeyedSocketUrl,
    Milliseconds,
    MillisecondsOrZero,
    OneOf,
    PageRows,
    Percent,
    PerSecond,
    Port,
    PortfolioText,
    PriceGap,
    Ratio,
    Seconds,
    SecondsOrZero,
    Sockets,
    SocketUrl,
    Text,
    WalletText,
    WebUrl,
    WholeSeconds,
)


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings; unknown keys are refused."""

    shorthand: ClassVar[str] = ""
    """The key that a bare value stands for, where one may be written instead of the group."""


class Endpoints(Section, frozen=True, kw_only=True):
    """Where the world is. The defaults are the public hosts of polymarket-wire.md, section 1."""

    rtds_url: SocketUrl = "wss://ws-live-data.polymarket.com"
    """Trade stream."""
    clob_url: WebUrl = "https://clob.polymarket.com"
    """Order books."""
    market_ws_url: SocketUrl = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    """Order books as they change."""
    gamma_url: WebUrl = "https://gamma-api.polymarket.com"
    """Markets and resolution."""
    data_url: WebUrl = "https://data-api.polymarket.com"
    """Activity by wallet, and resolutions."""
    polygon_urls: tuple[KeyedSocketUrl, ...] = ()
    """Polygon nodes over WebSocket, the first that works is used; empty: the chain is no source."""


class Database(Section, frozen=True, kw_only=True):
    """The one Postgres. Without a url Remora starts its own under `state_dir`."""

    url: DatabaseUrl = ""
    """postgresql://user@host:port/name; empty: the embedded server."""
    batch_rows_max: Count = 500
    """Writes that share one commit at the most."""
    retry_first_s: Seconds = 0.2
    """First wait before a failed commit is tried again."""
    retry_max_s: Seconds = 5.0
    """Longest wait between tries."""
    pressure_rows: Count = 20000
    """With more writes waiting, trades of leaders that nobody copies are put off; the poller brings them."""


class Ingest(Section, frozen=True, kw_only=True):
    """The sources of leaders' trades."""

    trigger: Annotated[str, OneOf("api", "polygon", "both")] = "both"
    """api: stream and polling; polygon: the chain, with polling for gaps; both: all of them."""
    start: Annotated[str, OneOf("flat", "warm")] = "flat"
    """flat: nothing older than the first start is taken; warm: warm_start_seconds back, as backfill."""
    warm_start_seconds: WholeSeconds = 3600
    """How far back a warm start looks."""
    sockets: Sockets = 3
    """Parallel trade-stream sockets; a stall hits one socket, not the others."""
    silence_s: Seconds = 30.0
    """A socket without any frame this long is replaced."""
    stream_late_s: Seconds = 15.0
    """A socket whose frames are mostly older than this is no live source: the poller takes over."""
    ping_s: Seconds = 5.0
    """Keep-alive on the trade stream."""
    connect_timeout_s: Seconds = 10.0
    """Longest wait for a connection."""
    reconnect_first_s: Seconds = 0.2
    """First wait before a reconnect; doubles with jitter."""
    reconnect_max_s: Seconds = 15.0
    """Longest wait before a reconnect."""
    frame_bytes_max: FrameBytes = 262144
    """A larger frame is refused and counted."""
    poll_interval_s: Seconds = 60.0
    """How often a leader who traded within the hour is polled anyway; others 5 or 30 times less."""
    poll_overlap_s: WholeSeconds = 120
    """How far behind the cursor each poll starts."""
    poll_requests_per_s: PerSecond = 10.0
    """Budget for the Data API; with many leaders their intervals grow so that it is kept."""
    poll_page_rows: PageRows = 500
    """Rows asked for per page (the API allows 1,000)."""
    poll_timeout_s: Seconds = 10.0
    """Longest wait for a page."""
    poll_settle_s: SecondsOrZero = 6.0
    """After a gap the poller looks at once and again this much later: the API lags behind the chain."""
    api_lag_fallback_ms: MillisecondsOrZero = 3000
    """In mode both: how long a fill that only the chain has shown waits for the stream or the API."""
    polygon_silence_s: Seconds = 15.0
    """A node without a new block this long is left for the next."""
    polygon_strict: bool = False
    """In mode both: buy nothing while the chain is away, rather than go on with a warning."""
    polygon_lag_max_s: Seconds = 60.0
    """A node whose newest block is older than this is left for the next, if there is another."""
    polygon_reorg_settle_s: SecondsOrZero = 30.0
    """How long a transaction that lost its block may take to be mined again before it counts as undone."""
    polygon_wallets_per_filter: FilterWallets = 500
    """Wallets in one log filter; halved by itself where a node takes fewer."""
    polygon_drift_watch: bool = True
    """Look for fills by contracts that Remora does not know, too: a second filter for the same wallets."""
    polygon_requests_per_s: PerSecond = 10.0
    """Budget for a node; subscribing takes one or two for each filter."""
    identity_window_s: WholeSeconds = 172800
    """How long a trade is remembered to recognise late duplicates."""


class LeaderSetting(Section, frozen=True, kw_only=True):
    """A wallet to follow; written alone, it is the wallet."""

    shorthand: ClassVar[str] = "wallet"

    wallet: WalletText
    """0x and 40 hex digits."""
    name: str = ""
    """What to call it."""


class Caps(Section, frozen=True, kw_only=True):
    """What a portfolio may have at stake, in USDC."""

    per_trade: Amount = micros("250")
    """One copied trade."""
    per_market: Amount = micros("1000")
    """One market, reservations counted."""
    per_event: Amount = micros("2000")
    """All markets of one event."""
    per_portfolio: Amount = micros("10000")
    """Everything open together."""
    positions_max: CountOrZero = 100
    """Open positions."""
    daily_loss: Amount = micros("500")
    """Realised loss since midnight UTC after which nothing is bought."""


class Guards(Section, frozen=True, kw_only=True):
    """When a trade is good enough to copy (L2 to L6)."""

    max_live_lag_s: SecondsOrZero = 15.0
    """A trade up to this old is LIVE, an older one CATCH_UP."""
    max_spread: PriceGap = micros("0.05")
    """Best ask minus best bid, for buys."""
    max_price_move: PriceGap = micros("0.03")
    """How much worse than the leader's price a buy may be."""
    catch_up_buy_max_age_s: SecondsOrZero = 600.0
    """A buy seen later than this is not copied."""
    catch_up_buy_max_worse_bps: BasisPoints = 20
    """How much worse than the leader's price a late buy may be, in basis points of that price."""
    catch_up_buy_require_better_price: bool = False
    """A late buy must be better than the leader's price."""
    sell_always_attempt: bool = True
    """Copy late sales too."""
    sell_max_spread: PriceGap = micros("0.15")
    """Best ask minus best bid, for sales."""
    sell_max_price_move: PriceGap = micros("0.10")
    """How much worse than the leader's price a sale may be."""
    dust_shares: Amount = micros("0.01")
    """A sale of fewer shares is skipped."""
    book_age_ms_max: Milliseconds = 2000
    """The oldest book a decision may stand on."""
    market_age_ms_max: Milliseconds = 30000
    """The oldest market metadata a decision may stand on (tier T1)."""
    price_wait_s: Seconds = 5.0
    """How long a proposal waits for market data before it is skipped."""


class FollowSetting(Section, frozen=True, kw_only=True):
    """A leader that a portfolio copies; written alone, it is the wallet."""

    shorthand: ClassVar[str] = "wallet"

    wallet: WalletText
    """One of `leaders`."""
    ratio: Ratio = micros("0.01")
    """Our size per share of the leader's."""
    paused: bool = False
    """Record trades as skipped without copying."""


class PortfolioSetting(Section, frozen=True, kw_only=True):
    """One book of positions and cash."""

    id: PortfolioText
    """1 to 32 of a-z, 0-9, - and _."""
    mode: Annotated[str, OneOf("paper", later={"live": "not in this version"})] = "paper"
    """paper; live is not in this version."""
    cash: Amount = micros("10000")
    """Starting cash of a paper portfolio; fixed once created."""
    follow: tuple[FollowSetting, ...] = ()
    """Leaders copied; empty: every one of `leaders` at `ratio`."""
    ratio: Ratio = micros("0.01")
    """Ratio for leaders not listed under `follow`."""
    caps: Caps = Caps()
    guards: Guards = Guards()


class Prices(Section, frozen=True, kw_only=True):
    """Market data (P2, P11)."""

    t1_ms: Milliseconds = 30000
    """Execution tier: an answer older than this is refused."""
    t2a_ms: Milliseconds = 2000
    """Feed tier."""
    t2b_ms: Milliseconds = 15000
    """Portfolio tier."""
    t3_ms: Milliseconds = 120000
    """Dashboard tier."""
    t4_ms: Milliseconds = 900000
    """Background tier."""
    metadata_ms_max: Milliseconds = 120000
    """A market's row may be this old while its prices are kept up by live books."""
    timeout_s: Seconds = 1.5
    """Longest wait for an upstream answer; then the next source is asked."""
    gamma_requests_per_s: PerSecond = 10.0
    """Budget for Gamma, in batches of markets; the public limit is 30 a second."""
    clob_requests_per_s: PerSecond = 40.0
    """Budget for CLOB; the tightest public limit is 50 batches of books a second."""
    resolutions_per_s: PerSecond = 2.0
    """Budget for the resolution feed of the Data API."""
    live: bool = True
    """Keep the books of markets in play from the market WebSocket; without it all books are asked for."""
    live_tokens_per_socket: Count = 200
    """Outcomes on one socket; larger ones were seen to stall."""
    live_sockets_max: Sockets = 10
    """Sockets at the most; outcomes beyond them are asked for instead."""
    live_silence_s: Seconds = 30.0
    """A socket without any frame this long, not even an answer to a ping, is replaced."""
    live_first_event_s: Seconds = 30.0
    """An outcome without a first event this long is subscribed anew, then on another socket."""
    live_verify_s: Seconds = 30.0
    """How often a live book is compared with the one that CLOB answers with."""
    warm_interval_s: Seconds = 1.0
    """How often what is in play is looked through and refreshed ahead of need."""
    warm_for_s: SecondsOrZero = 300.0
    """How long after its last use a market counts as in play; those held always do."""
    write_back_s: Seconds = 5.0
    """How often news of markets is written to the database, together; what is resolved at once."""
    resolution_poll_s: Seconds = 20.0
    """How often markets we hold are asked whether they are resolved."""
    backoff_first_s: Seconds = 0.5
    """First pause after an upstream failure; doubles with jitter."""
    backoff_max_s: Seconds = 30.0
    """Longest pause after upstream failures."""


class Execution(Section, frozen=True, kw_only=True):
    """From intent to order."""

    intent_age_s_max: Seconds = 20.0
    """An intent that became durable later than this after its decision is not sent."""
    resume_age_s_max: SecondsOrZero = 60.0
    """After a restart, an order that never left is sent only while its trade is younger than this."""
    paper_latency_ms: MillisecondsOrZero = 150
    """Time from sending to arrival at the paper venue; the book is read on arrival."""
    paper_book_age_ms_max: MillisecondsOrZero = 250
    """The oldest book that counts as the book on arrival."""
    order_timeout_s: Seconds = 10.0
    """After this without an answer the venue is asked what became of the order."""
    ask_attempts_max: Count = 3
    """Consecutive "not found" answers after which an order is LOST."""


class Breaker(Section, frozen=True, kw_only=True):
    """When a market's own breaker opens (R2)."""

    rejects_max: Count = 3
    """Consecutive rejected orders."""
    latency_ms_max: Milliseconds = 10000
    """Slowest order that is still healthy."""
    cooldown_s: Seconds = 60.0
    """How long the market is halted."""


class Reconciliation(Section, frozen=True, kw_only=True):
    """Expected against actual (C1)."""

    interval_s: Seconds = 30.0
    """Cadence."""
    tolerance_shares: Amount = micros("0.01")
    """Difference in shares that is no mismatch."""
    tolerance_usdc: Amount = micros("0.01")
    """Difference in cash that is no mismatch."""


class Web(Section, frozen=True, kw_only=True):
    """The HTTP side: the API (/openapi.json tells it all), /metrics, /healthz."""

    host: Text = "127.0.0.1"
    """Loopback unless you know better."""
    port: Port = 9469
    """0: any free port, written to state_dir/web.json."""


class Vitals(Section, frozen=True, kw_only=True):
    """What the process may need of the machine; nothing is done about it, but it is said in time."""

    interval_s: Seconds = 60.0
    """How often memory and the event loop's lag are written down."""
    memory_mb_max: Count = 512
    """Resident memory that is too much, in MiB."""
    loop_lag_ms_max: Milliseconds = 250
    """Lag of the event loop that is too much."""
    alert_percent: Percent = 80
    """An alert is raised at this much of either limit."""


class Logs(Section, frozen=True, kw_only=True):
    """Structured logs."""

    level: Annotated[str, OneOf("debug", "info", "warning", "error")] = "info"
    """debug, info, warning or error."""
    format: Annotated[str, OneOf("auto", "json", "console")] = "auto"
    """auto (console on a terminal, JSON elsewhere), json or console."""


class Recording(Section, frozen=True, kw_only=True):
    """What the edge writes down for replay (O3)."""

    enabled: bool = False
    """Write every leader frame to state_dir/recordings, as envelopes."""


class Settings(Section, frozen=True, kw_only=True):
    """The whole configuration."""

    state_dir: Text = "~/.local/state/remora"
    """Database, recordings and lock files."""
    endpoints: Endpoints = Endpoints()
    database: Database = Database()
    ingest: Ingest = Ingest()
    leaders: tuple[LeaderSetting, ...] = ()
    """Wallets whose trades are taken in."""
    portfolios: tuple[PortfolioSetting, ...] = ()
    """Books of positions and cash, each with its leaders, sizing and guards."""
    prices: Prices = Prices()
    execution: Execution = Execution()
    breaker: Breaker = Breaker()
    reconciliation: Reconciliation = Reconciliation()
    web: Web = Web()
    vitals: Vitals = Vitals()
    logs: Logs = Logs()
    recording: Recording = Recording()


def as_tree(settings: Section) -> dict[str, Any]:
    """Return the settings as nested builtins, amounts still integers of 1e-6."""
    tree: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=int)
    return tree
