-- History that an operator asked for. The daemon listens, reads it, and goes on after a restart.
CREATE TABLE backfills (
    request_id bigserial   PRIMARY KEY,
    wallet     text        NOT NULL CHECK (wallet ~ '^0x[0-9a-f]{40}$'),
    from_s     bigint      NOT NULL,
    to_s       bigint      NOT NULL,
    reached_s  bigint      NOT NULL,
    rows       bigint      NOT NULL DEFAULT 0,
    trades     bigint      NOT NULL DEFAULT 0,
    state      text        NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'RUNNING', 'DONE', 'FAILED')),
    reason     text        NOT NULL DEFAULT '',
    asked_at   timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (from_s < to_s AND reached_s BETWEEN from_s AND to_s)
);
CREATE INDEX backfills_open ON backfills (request_id) WHERE state IN ('WAITING', 'RUNNING');
CREATE TRIGGER backfills_asked AFTER INSERT ON backfills
    FOR EACH STATEMENT EXECUTE FUNCTION overrides_changed();
