-- What became of a trade after it was accepted.

ALTER TABLE trades
    -- No row of its source, but what that source had reported more than the others.
    ADD COLUMN is_remainder boolean NOT NULL DEFAULT false,
    -- How much of its size still counts; NULL where nothing was ever corrected.
    ADD COLUMN stands       numeric(30, 6) CHECK (stands BETWEEN 0 AND size);

-- What was accepted, and what counts since a better source finally said otherwise. Copies stay made.
CREATE TABLE corrections (
    seq      bigserial      PRIMARY KEY,
    trade_id text           COLLATE "C" NOT NULL REFERENCES trades,
    was      numeric(30, 6) NOT NULL CHECK (was >= 0),
    now      numeric(30, 6) NOT NULL CHECK (now >= 0),
    reason   text           NOT NULL,
    kind     text           NOT NULL,
    feed     text           NOT NULL,
    at_ns    bigint         NOT NULL,
    UNIQUE (trade_id, at_ns, was, now)
);

-- What the chain took back was a mark until now.
INSERT INTO corrections (trade_id, was, now, reason, kind, feed, at_ns)
    SELECT trade_id, size, 0, 'TAKEN_BACK', 'chain', 'chain', retracted_at_ns
    FROM trades WHERE retracted_at_ns > 0 ORDER BY seq;
UPDATE trades SET stands = 0 WHERE retracted_at_ns > 0;
ALTER TABLE trades DROP COLUMN retracted_at_ns;
DROP INDEX trades_wallet_tx;

-- Which kind of source saw when what a transaction did to an outcome: a row a kind. Some are written before
-- there is a trade, so they refer to none.
CREATE TABLE sightings (
    wallet       text   NOT NULL,
    tx           text   NOT NULL,
    token_id     text   NOT NULL,
    side         text   NOT NULL,
    kind         text   NOT NULL,
    feed         text   NOT NULL,
    traded_at_ns bigint NOT NULL,
    seen_at_ns   bigint NOT NULL,
    PRIMARY KEY (tx, token_id, side, wallet, kind)
);
CREATE INDEX sightings_traded ON sightings (traded_at_ns);
