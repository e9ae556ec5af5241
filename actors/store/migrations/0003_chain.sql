-- Where a trade stands in the chain, known where the chain reported it first; and when the chain took its
-- transaction back, so that it never happened: 0 while it stands.
ALTER TABLE trades
    ADD COLUMN block_number    bigint,
    ADD COLUMN log_index       bigint,
    ADD COLUMN retracted_at_ns bigint NOT NULL DEFAULT 0;
CREATE INDEX trades_wallet_tx ON trades (wallet, tx);
