-- The log: what happened, and which message ids were ever stored.
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- Grows with each change to what was stored: sealing, taking back, forgetting.
INSERT INTO meta (name, value) VALUES ('changes', 0);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id BLOB NOT NULL,
    actor INTEGER NOT NULL,
    kind TEXT NOT NULL,
    item INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    source TEXT NOT NULL,
    value_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX events_actor ON events (actor, at_us);

-- Stays when an event moves to the lake, so that it is never stored twice.
CREATE TABLE ids (message_id BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE segments (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    bucket INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
);
-- Which files hold events of an actor: reading and forgetting open no others.
CREATE TABLE holds (
    actor INTEGER NOT NULL,
    segment INTEGER NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
    PRIMARY KEY (actor, segment)
) WITHOUT ROWID;
CREATE INDEX holds_segment ON holds (segment);

CREATE TABLE forgotten (actor INTEGER PRIMARY KEY);
