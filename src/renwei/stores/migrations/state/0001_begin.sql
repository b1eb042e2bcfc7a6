-- What is known now: people and vault, catalogue, counters, timers, effects, papers, decisions.
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- Grow with each change to the map of persons, and to decisions once recorded.
INSERT INTO meta (name, value) VALUES ('map_version', 0), ('ledger_changes', 0);

CREATE TABLE actors (
    actor INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_us INTEGER NOT NULL,
    source TEXT NOT NULL,
    key BLOB NOT NULL
);

-- Keyed hashes by which a person can be searched: the value alone, without its platform.
CREATE TABLE handles (
    hash BLOB NOT NULL,
    actor INTEGER NOT NULL REFERENCES actors (actor) ON DELETE CASCADE,
    PRIMARY KEY (hash, actor)
) WITHOUT ROWID;
CREATE INDEX handles_actor ON handles (actor);

CREATE TABLE vault (
    id INTEGER PRIMARY KEY,
    actor INTEGER NOT NULL REFERENCES actors (actor) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    own INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    source TEXT NOT NULL,
    UNIQUE (actor, name, hash)
);
CREATE INDEX vault_hash ON vault (hash);

CREATE TABLE facts (
    id INTEGER PRIMARY KEY,
    actor INTEGER NOT NULL REFERENCES actors (actor) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    told TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    source TEXT NOT NULL,
    UNIQUE (actor, name, value, told, at_us)
);

CREATE TABLE consents (
    id INTEGER PRIMARY KEY,
    actor INTEGER NOT NULL REFERENCES actors (actor) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    source TEXT NOT NULL,
    text_version TEXT NOT NULL,
    UNIQUE (actor, purpose, channel, state, at_us, text_version)
);

CREATE TABLE merges (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kept INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    source TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    undone_us INTEGER
);
CREATE INDEX merges_kept ON merges (kept);
CREATE INDEX merges_gone ON merges (gone);

-- `settled`: the decisions about this actor were given to nobody as well.
CREATE TABLE tombstones (
    actor INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    settled INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE items (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    title TEXT NOT NULL,
    category TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    facts TEXT NOT NULL,
    UNIQUE (kind, code)
);

CREATE TABLE counters (key TEXT PRIMARY KEY, total INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    amount INTEGER NOT NULL,
    until_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX holds_until ON holds (key, until_us);

CREATE TABLE timers (
    key TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    due_us INTEGER NOT NULL,
    free_us INTEGER NOT NULL,
    payload BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX timers_due ON timers (due_us);

CREATE TABLE outbox (
    send_id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    decision BLOB NOT NULL,
    payload BLOB NOT NULL,
    due_us INTEGER NOT NULL,
    free_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    changed_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (state, due_us);
CREATE INDEX outbox_decision ON outbox (decision);

CREATE TABLE papers (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    by TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (kind, name, version)
) WITHOUT ROWID;

-- Names that decisions repeat: surfaces, policies, sources, codes ... stored once each.
CREATE TABLE words (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

CREATE TABLE decisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    person INTEGER NOT NULL,
    surface INTEGER NOT NULL REFERENCES words (number),
    at_us INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX decisions_person ON decisions (person, at_us);
CREATE INDEX decisions_at ON decisions (at_us);

CREATE TABLE segments (
    number INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    rows INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL
);
