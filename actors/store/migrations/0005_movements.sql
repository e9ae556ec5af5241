-- What moved a leader's shares without being a trade: splits, merges, redemptions; a row an outcome.
CREATE TABLE leader_movements (
    seq             bigserial      NOT NULL UNIQUE,
    key             text           PRIMARY KEY,
    ordinal         bigint         NOT NULL,
    wallet          text           NOT NULL,
    tx              text           NOT NULL,
    condition_id    text           NOT NULL,
    kind            text           NOT NULL CHECK (kind IN ('SPLIT', 'MERGE', 'REDEEM')),
    token_id        text           NOT NULL,
    size            numeric(30, 6) NOT NULL CHECK (size > 0),
    moved_at_ns     bigint         NOT NULL,
    seen_at_ns      bigint         NOT NULL,
    feed            text           NOT NULL,
    position_before numeric(30, 6) NOT NULL CHECK (position_before >= 0),
    position_after  numeric(30, 6) NOT NULL CHECK (position_after >= 0),
    raw             json
);
CREATE INDEX leader_movements_wallet_moved ON leader_movements (wallet, moved_at_ns);
