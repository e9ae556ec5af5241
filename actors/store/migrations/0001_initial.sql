-- Amounts are NUMERIC in whole units (shares, USDC, USDC a share), never finer than 1e-6. Times are
-- nanoseconds since the epoch, 0 where unknown, as the messages carry them.

-- Who writes: one row. `incarnation` fences out a daemon that lost the database to another one; `batch`
-- tells, after a connection died inside COMMIT, whether that commit took place.
CREATE TABLE engine (
    id          integer PRIMARY KEY CHECK (id = 1),
    incarnation bigint  NOT NULL,
    batch       bigint  NOT NULL
);
INSERT INTO engine VALUES (1, 0, 0);

-- Leaders and what they traded.

CREATE TABLE leaders (
    wallet         text   PRIMARY KEY,
    followed_at_ns bigint NOT NULL,
    cursor_s       bigint NOT NULL
);

CREATE TABLE duplicates (
    wallet text   PRIMARY KEY,
    count  bigint NOT NULL CHECK (count >= 0)
);

CREATE TABLE leader_positions (
    wallet   text           NOT NULL,
    token_id text           NOT NULL,
    shares   numeric(30, 6) NOT NULL,
    PRIMARY KEY (wallet, token_id)
);

CREATE TABLE trades (
    seq             bigserial      NOT NULL UNIQUE,
    trade_id        text           COLLATE "C" PRIMARY KEY,
    key             text           NOT NULL UNIQUE,
    ordinal         bigint         NOT NULL,
    wallet          text           NOT NULL,
    tx              text           NOT NULL,
    condition_id    text           NOT NULL,
    token_id        text           NOT NULL,
    side            text           NOT NULL CHECK (side IN ('BUY', 'SELL')),
    size            numeric(30, 6) NOT NULL CHECK (size > 0),
    price           numeric(30, 6) NOT NULL CHECK (price BETWEEN 0 AND 1),
    usdc            numeric(30, 6) NOT NULL CHECK (usdc >= 0),
    traded_at_ns    bigint         NOT NULL,
    seen_at_ns      bigint         NOT NULL,
    kind            text           NOT NULL,
    feed            text           NOT NULL,
    backfill        boolean        NOT NULL,
    position_before numeric(30, 6) NOT NULL,
    position_after  numeric(30, 6) NOT NULL,
    outcome         text           NOT NULL,
    title           text           NOT NULL,
    slug            text           NOT NULL,
    event_slug      text           NOT NULL,
    -- json, not jsonb: what came is kept as it came, and no number or escape in it can be refused.
    raw             json
);
CREATE INDEX trades_wallet_seq ON trades (wallet, seq);
CREATE INDEX trades_wallet_traded ON trades (wallet, traded_at_ns);

-- Portfolios.

CREATE TABLE portfolios (
    id            text           PRIMARY KEY,
    mode          text           NOT NULL,
    starting_cash numeric(30, 6) NOT NULL CHECK (starting_cash >= 0),
    created_at_ns bigint         NOT NULL,
    epoch         bigint         NOT NULL,
    -- A snapshot, folded from the fills up to and including fill_seq.
    cash          numeric(30, 6) NOT NULL,
    realised      numeric(30, 6) NOT NULL DEFAULT 0,
    fees          numeric(30, 6) NOT NULL DEFAULT 0,
    fill_seq      bigint         NOT NULL DEFAULT 0
);

-- A row a span of following: trades with since_seq < seq <= until_seq are owed a decision.
CREATE TABLE follows (
    portfolio_id text           NOT NULL REFERENCES portfolios,
    wallet       text           NOT NULL,
    ratio        numeric(30, 6) NOT NULL,
    since_ns     bigint         NOT NULL,
    since_seq    bigint         NOT NULL,
    until_ns     bigint,
    until_seq    bigint,
    PRIMARY KEY (portfolio_id, wallet, since_ns),
    CHECK ((until_ns IS NULL) = (until_seq IS NULL))
);
CREATE UNIQUE INDEX follows_current ON follows (portfolio_id, wallet) WHERE until_seq IS NULL;

CREATE TABLE positions (
    portfolio_id text           NOT NULL REFERENCES portfolios,
    token_id     text           NOT NULL,
    condition_id text           NOT NULL,
    shares       numeric(30, 6) NOT NULL,
    cost         numeric(30, 6) NOT NULL,
    realised     numeric(30, 6) NOT NULL,
    fees         numeric(30, 6) NOT NULL,
    fill_seq     bigint         NOT NULL,
    PRIMARY KEY (portfolio_id, token_id)
);

-- Decisions, orders, fills.

CREATE TABLE intents (
    intent_id      text   PRIMARY KEY,
    portfolio_id   text   NOT NULL REFERENCES portfolios,
    trade_id       text   COLLATE "C" NOT NULL REFERENCES trades,
    kind           text   NOT NULL CHECK (kind IN ('COPY', 'SKIP')),
    reason         text   NOT NULL,
    epoch          bigint NOT NULL,
    checks         jsonb  NOT NULL,
    settings_hash  text   NOT NULL,
    decided_at_ns  bigint NOT NULL,
    condition_id   text,
    token_id       text,
    event_slug     text,
    side           text           CHECK (side IN ('BUY', 'SELL')),
    size           numeric(30, 6) CHECK (size > 0),
    price_limit    numeric(30, 6) CHECK (price_limit BETWEEN 0 AND 1),
    price_expected numeric(30, 6) CHECK (price_expected BETWEEN 0 AND 1),
    reserved       numeric(30, 6) CHECK (reserved >= 0),
    fee_rate       numeric(30, 6) CHECK (fee_rate >= 0),
    tick           numeric(30, 6),
    freshness      text,
    traded_at_ns   bigint,
    seen_at_ns     bigint,
    shortfall      numeric(30, 6),
    UNIQUE (portfolio_id, trade_id),
    CHECK (CASE kind
        WHEN 'SKIP' THEN reason LIKE 'SKIP\_%' AND num_nonnulls(
            condition_id, token_id, event_slug, side, size, price_limit, price_expected, reserved, fee_rate,
            tick, freshness, traded_at_ns, seen_at_ns, shortfall) = 0
        ELSE reason = '' AND num_nulls(
            condition_id, token_id, event_slug, side, size, price_limit, price_expected, reserved, fee_rate,
            tick, freshness, traded_at_ns, seen_at_ns, shortfall) = 0
        END)
);
CREATE INDEX intents_trade ON intents (trade_id);

CREATE FUNCTION backfill_never_trades() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM trades WHERE trade_id = NEW.trade_id AND backfill) THEN
        RAISE EXCEPTION 'trade % is history from before its leader was followed and must not be copied',
            NEW.trade_id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER backfill_never_trades BEFORE INSERT OR UPDATE ON intents
    FOR EACH ROW WHEN (NEW.kind = 'COPY') EXECUTE FUNCTION backfill_never_trades();

CREATE TABLE orders (
    order_id      text           PRIMARY KEY,
    intent_id     text           NOT NULL UNIQUE REFERENCES intents,
    state         text           NOT NULL CHECK (state IN (
        'CREATED', 'PLACED', 'PENDING', 'PARTIAL', 'FILLED', 'CANCELLED', 'REJECTED', 'LOST')),
    -- No upper bound: what a venue filled is recorded, whatever was ordered.
    filled        numeric(30, 6) NOT NULL DEFAULT 0 CHECK (filled >= 0),
    reason        text           NOT NULL DEFAULT '',
    created_at_ns bigint         NOT NULL,
    updated_at_ns bigint         NOT NULL,
    sent_at_ns    bigint         NOT NULL DEFAULT 0,
    latency_ns    bigint         NOT NULL DEFAULT 0
);
CREATE INDEX orders_open ON orders (order_id) WHERE state IN ('CREATED', 'PLACED', 'PENDING', 'PARTIAL');

CREATE FUNCTION terminal_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'order % was %, which it cannot leave for %', OLD.order_id, OLD.state, NEW.state
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER terminal_is_final BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (OLD.state IN ('FILLED', 'CANCELLED', 'REJECTED', 'LOST') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION terminal_is_final();

CREATE TABLE order_events (
    seq        bigserial PRIMARY KEY,
    order_id   text      NOT NULL REFERENCES orders,
    stage      text      NOT NULL,
    state      text      NOT NULL,
    elapsed_ms bigint    NOT NULL,
    at_ns      bigint    NOT NULL,
    reason     text      NOT NULL,
    UNIQUE (order_id, stage, state, at_ns)
);

CREATE TABLE fills (
    seq          bigserial      NOT NULL UNIQUE,
    fill_id      text           PRIMARY KEY,
    portfolio_id text           NOT NULL REFERENCES portfolios,
    order_id     text           REFERENCES orders,
    condition_id text           NOT NULL,
    token_id     text           NOT NULL,
    event_slug   text           NOT NULL,
    kind         text           NOT NULL CHECK (kind IN ('TRADE', 'SETTLEMENT')),
    side         text           NOT NULL CHECK (side IN ('BUY', 'SELL')),
    size         numeric(30, 6) NOT NULL CHECK (size > 0),
    price        numeric(30, 6) NOT NULL CHECK (price BETWEEN 0 AND 1),
    usdc         numeric(30, 6) NOT NULL CHECK (usdc >= 0),
    fee          numeric(30, 6) NOT NULL CHECK (fee >= 0),
    filled_at_ns bigint         NOT NULL,
    CHECK ((kind = 'SETTLEMENT') = (order_id IS NULL)),
    CHECK (kind <> 'SETTLEMENT' OR side = 'SELL')
);
CREATE INDEX fills_portfolio_seq ON fills (portfolio_id, seq);
CREATE INDEX fills_order ON fills (order_id);

-- Markets.

CREATE TABLE markets (
    condition_id             text PRIMARY KEY,
    question                 text             NOT NULL,
    slug                     text             NOT NULL,
    event_slug               text             NOT NULL,
    outcomes                 text[]           NOT NULL,
    token_ids                text[]           NOT NULL,
    prices                   numeric(30, 6)[] NOT NULL,
    tick                     numeric(30, 6)   NOT NULL,
    size_min                 numeric(30, 6)   NOT NULL,
    fee_rate                 numeric(30, 6)   NOT NULL,
    neg_risk                 boolean          NOT NULL,
    accepting_orders         boolean          NOT NULL,
    resolution               text             NOT NULL,
    payouts                  numeric(30, 6)[] NOT NULL,
    end_at_ns                bigint           NOT NULL,
    last_price_updated_at_ns bigint           NOT NULL,
    last_requested_at_ns     bigint           NOT NULL,
    CHECK ((resolution = 'resolved') = (cardinality(payouts) > 0))
);

-- The paper venue's own books: nothing in them refers to ours.

CREATE TABLE paper_orders (
    order_id     text           PRIMARY KEY,
    portfolio_id text           NOT NULL,
    condition_id text           NOT NULL,
    token_id     text           NOT NULL,
    event_slug   text           NOT NULL,
    side         text           NOT NULL CHECK (side IN ('BUY', 'SELL')),
    size         numeric(30, 6) NOT NULL CHECK (size > 0),
    price_limit  numeric(30, 6) NOT NULL,
    fee_rate     numeric(30, 6) NOT NULL,
    state        text           NOT NULL,
    reason       text           NOT NULL,
    at_ns        bigint         NOT NULL
);

CREATE TABLE paper_fills (
    seq          bigserial      NOT NULL UNIQUE,
    fill_id      text           PRIMARY KEY,
    portfolio_id text           NOT NULL,
    order_id     text           REFERENCES paper_orders,
    condition_id text           NOT NULL,
    token_id     text           NOT NULL,
    event_slug   text           NOT NULL,
    kind         text           NOT NULL,
    side         text           NOT NULL CHECK (side IN ('BUY', 'SELL')),
    size         numeric(30, 6) NOT NULL CHECK (size > 0),
    price        numeric(30, 6) NOT NULL CHECK (price BETWEEN 0 AND 1),
    usdc         numeric(30, 6) NOT NULL CHECK (usdc >= 0),
    fee          numeric(30, 6) NOT NULL CHECK (fee >= 0),
    filled_at_ns bigint         NOT NULL,
    CHECK ((kind = 'SETTLEMENT') = (order_id IS NULL))
);
CREATE INDEX paper_fills_portfolio ON paper_fills (portfolio_id);
CREATE INDEX paper_fills_order ON paper_fills (order_id);

-- What went wrong.

CREATE TABLE mismatches (
    seq          bigserial PRIMARY KEY,
    portfolio_id text      NOT NULL,
    what         text      NOT NULL,
    expected     text      NOT NULL,
    actual       text      NOT NULL,
    at_ns        bigint    NOT NULL
);

-- Writes that no retry could make good, whole, so that a person can.
CREATE TABLE dead_writes (
    seq     bigserial   PRIMARY KEY,
    message text        NOT NULL,
    body    text        NOT NULL,
    error   text        NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
