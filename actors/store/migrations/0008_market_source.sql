-- Who said last what is known of a market, and the oracle's last word on it.
ALTER TABLE markets
    ADD COLUMN oracle text NOT NULL DEFAULT '',
    ADD COLUMN source text NOT NULL DEFAULT '',
    ADD CHECK (resolution IN ('open', 'closed', 'disputed', 'resolved'));

-- What stood there until now was when the row had been written, whoever had asked.
UPDATE markets SET last_requested_at_ns = 0;
