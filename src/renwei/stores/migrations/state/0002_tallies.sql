-- Sums that folds keep behind the log, and how far each fold has read.
CREATE TABLE folds (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;

-- What a fold counts, numbered once, so that a sum takes few bytes.
CREATE TABLE tally_names (
    number INTEGER PRIMARY KEY,
    fold TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (fold, name)
);

CREATE TABLE tallies (
    actor INTEGER NOT NULL,
    name INTEGER NOT NULL,
    item INTEGER NOT NULL,
    day INTEGER NOT NULL,
    n INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    PRIMARY KEY (actor, name, item, day)
) WITHOUT ROWID;
