-- What an operator changed while the daemon ran, on top of the configuration.

CREATE TABLE leader_overrides (
    wallet  text    PRIMARY KEY CHECK (wallet ~ '^0x[0-9a-f]{40}$'),
    removed boolean NOT NULL,
    name    text    NOT NULL DEFAULT ''
);

CREATE TABLE follow_overrides (
    portfolio_id text           NOT NULL,
    wallet       text           NOT NULL CHECK (wallet ~ '^0x[0-9a-f]{40}$'),
    ratio        numeric(30, 6) CHECK (ratio > 0),
    paused       boolean,
    PRIMARY KEY (portfolio_id, wallet)
);

-- Who changed what, in words: for whoever wonders later why a leader was not copied.
CREATE TABLE operator_actions (
    seq bigserial   PRIMARY KEY,
    at  timestamptz NOT NULL DEFAULT now(),
    who text        NOT NULL,
    did text        NOT NULL
);

-- The daemon listens: a change takes effect when it commits, whichever program made it.
CREATE FUNCTION overrides_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('remora_overrides', '');
    RETURN NULL;
END $$;
CREATE TRIGGER leader_overrides_changed AFTER INSERT OR UPDATE OR DELETE ON leader_overrides
    FOR EACH STATEMENT EXECUTE FUNCTION overrides_changed();
CREATE TRIGGER follow_overrides_changed AFTER INSERT OR UPDATE OR DELETE ON follow_overrides
    FOR EACH STATEMENT EXECUTE FUNCTION overrides_changed();
