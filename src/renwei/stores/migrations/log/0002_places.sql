-- Where an actor's events stand, and which message ids came, are put in order a little later,
-- many at a time: one at a time each event would cost a page of either tree. `indexed` says up
-- to which event that is done; those behind it are few, and looked through in memory.
CREATE TABLE places (
    actor INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (actor, at_us, seq)
) WITHOUT ROWID;
INSERT INTO places (actor, at_us, seq) SELECT actor, at_us, seq FROM events;
DROP INDEX events_actor;
INSERT INTO meta (name, value)
VALUES ('indexed', coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0));
