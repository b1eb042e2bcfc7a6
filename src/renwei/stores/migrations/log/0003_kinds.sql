-- Which kinds of events a lake file holds: whoever asks for a few kinds opens no others. A file
-- from before has no row here and is looked into.
CREATE TABLE kinds (
    kind TEXT NOT NULL,
    segment INTEGER NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, segment)
) WITHOUT ROWID;
CREATE INDEX kinds_segment ON kinds (segment);
CREATE INDEX segments_last ON segments (last_seq);

-- What people said is rare among what they did; other events pay nothing for being found here.
CREATE INDEX events_told ON events (kind, seq) WHERE kind IN ('answer', 'contact');
