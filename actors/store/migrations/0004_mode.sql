-- Which sources an operator wants, whatever the configuration says: one row, or none.
CREATE TABLE mode_override (
    id   integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    mode text    NOT NULL CHECK (mode IN ('api', 'polygon', 'both'))
);
CREATE TRIGGER mode_override_changed AFTER INSERT OR UPDATE OR DELETE ON mode_override
    FOR EACH STATEMENT EXECUTE FUNCTION overrides_changed();
