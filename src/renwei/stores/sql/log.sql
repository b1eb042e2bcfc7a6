-- position: The last position handed out.
SELECT seq FROM sqlite_sequence WHERE name = 'events';

-- move_on: Let readers notice that what they read was changed.
UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'events';

-- has_ids: Those of some message ids that were ever stored.
SELECT message_id FROM ids WHERE message_id IN (?);

-- stand: Changes, up to where events are in order, and the last position.
SELECT (SELECT value FROM meta WHERE name = 'changes'),
       (SELECT value FROM meta WHERE name = 'indexed'),
       coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0);

-- young: Events after a position, as memory keeps them.
SELECT seq, message_id, actor FROM events WHERE seq > ? ORDER BY seq;

-- drop_place: Forget where an event stands.
DELETE FROM places WHERE actor = ? AND at_us = ? AND seq = ?;

-- order_ids: Remember the message ids of some young events, in order.
INSERT OR IGNORE INTO ids (message_id, seq) SELECT message_id, seq FROM events
WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY message_id;

-- order_places: Remember where some young events stand, in order.
INSERT OR IGNORE INTO places (actor, at_us, seq) SELECT actor, at_us, seq FROM events
WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY actor, at_us, seq;

-- tidy_ids: Remember the message ids of all young events, in order.
INSERT OR IGNORE INTO ids (message_id, seq) SELECT message_id, seq FROM events
WHERE seq > (SELECT value FROM meta WHERE name = 'indexed') ORDER BY message_id;

-- tidy_places: Remember where all young events stand, in order.
INSERT OR IGNORE INTO places (actor, at_us, seq) SELECT actor, at_us, seq FROM events
WHERE seq > (SELECT value FROM meta WHERE name = 'indexed') ORDER BY actor, at_us, seq;

-- untidy: How many events lack their message id or their place.
SELECT count(*) FROM events e
WHERE seq <= (SELECT value FROM meta WHERE name = 'indexed') AND (
    NOT EXISTS (SELECT 1 FROM ids WHERE message_id = e.message_id)
    OR NOT EXISTS (
        SELECT 1 FROM places WHERE actor = e.actor AND at_us = e.at_us AND seq = e.seq));

-- set_indexed: Say up to where events are in order.
UPDATE meta SET value = ? WHERE name = 'indexed';

-- places_of_source: Where the hot events of a source stand.
SELECT actor, at_us, seq FROM events WHERE source = ?;

-- give_places_away: Let nobody's events stand where those of some actors stood.
UPDATE places SET actor = 0 WHERE actor IN (SELECT value FROM json_each(?));

-- add_event: Store one event under its position.
INSERT INTO events (seq, message_id, actor, kind, item, at_us, seen_us, source, value_minor,
                    currency, version, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- read: Hot events in log order; values: after, until, kinds or '', kinds, seen by.
SELECT seq, message_id, actor, kind, item, at_us, seen_us, source, value_minor, currency, version,
       body
FROM events
WHERE seq > ? AND seq <= ? AND (? = '' OR kind IN (SELECT value FROM json_each(?))) AND seen_us <= ?
ORDER BY seq;

-- read_told: `read` for kinds that have an index of their own; values: kinds, after, until, seen
-- by, limit.
SELECT seq, message_id, actor, kind, item, at_us, seen_us, source, value_minor, currency, version,
       body
FROM events INDEXED BY events_told
WHERE kind IN ('answer', 'contact') AND kind IN (SELECT value FROM json_each(?))
  AND seq > ? AND seq <= ? AND seen_us <= ?
ORDER BY seq LIMIT ?;

-- arrival: When the first hot event after a position came.
SELECT seen_us FROM events WHERE seq > ? ORDER BY seq LIMIT 1;

-- arrived: The newest hot events that came in a time; values: after, until, since, until, limit.
SELECT seq, kind, source, body FROM events
WHERE seq > ? AND seq <= ? AND seen_us >= ? AND seen_us <= ?
ORDER BY seq DESC LIMIT ?;

-- of: The newest hot events of some actors; values: actors, until, young positions, kinds or '',
-- kinds, limit.
SELECT seq, message_id, actor, kind, item, at_us, seen_us, source, value_minor, currency, version,
       body
FROM events
WHERE seq IN (
    SELECT seq FROM places WHERE actor IN (SELECT value FROM json_each(?1)) AND at_us <= ?2
    UNION SELECT value FROM json_each(?3))
  AND actor IN (SELECT value FROM json_each(?1)) AND at_us <= ?2
  AND (?4 = '' OR kind IN (SELECT value FROM json_each(?5)))
ORDER BY at_us DESC, seq DESC LIMIT ?6;

-- arrived_before: Hot events that arrived before a time, in order of arrival; what people said
-- stays where its index finds it.
SELECT seq, message_id, actor, kind, item, at_us, seen_us, source, value_minor, currency, version,
       body
FROM events
WHERE seen_us < ? AND seq <= (SELECT value FROM meta WHERE name = 'indexed')
  AND kind NOT IN ('answer', 'contact')
ORDER BY seq LIMIT ?;

-- told_before: Where events stand that are never sealed and arrived before a time.
SELECT seq, actor, at_us FROM events INDEXED BY events_told
WHERE kind IN ('answer', 'contact') AND seen_us < ?
  AND seq <= (SELECT value FROM meta WHERE name = 'indexed');

-- count_before: How many hot events arrived before a time.
SELECT count(*) FROM events WHERE seen_us < ?;

-- drop_event: Take a hot event away (it moved to the lake).
DELETE FROM events WHERE seq = ?;

-- ids_of_source: Message ids of the hot events of a source.
SELECT message_id FROM events WHERE source = ?;

-- drop_source: Take back the hot events of a source.
DELETE FROM events WHERE source = ?;

-- drop_id: Forget a message id, so that it can come again.
DELETE FROM ids WHERE message_id = ?;

-- give_away: Give hot events to nobody.
UPDATE events SET actor = 0
WHERE actor IN (SELECT value FROM json_each(?1))
  AND (seq > (SELECT value FROM meta WHERE name = 'indexed')
       OR seq IN (SELECT seq FROM places WHERE actor IN (SELECT value FROM json_each(?1))));

-- remember_forgotten: Note that an actor was forgotten.
INSERT OR IGNORE INTO forgotten (actor) VALUES (?);

-- forgotten: Actors that were forgotten.
SELECT actor FROM forgotten;

-- forgotten_count: How many actors were forgotten.
SELECT count(*) FROM forgotten;

-- add_segment: Register a lake file.
INSERT INTO segments (path, bucket, rows, first_seq, last_seq) VALUES (?, ?, ?, ?, ?);

-- drop_segment: Take a lake file off the register.
DELETE FROM segments WHERE id = ?;

-- segments: All lake files.
SELECT id, path, bucket, rows, first_seq, last_seq FROM segments ORDER BY first_seq;

-- segments_within: Lake files with events in a stretch, but for those known to hold none of some
-- kinds; values: after, until, kinds or '', kinds.
SELECT id, path, bucket, rows, first_seq, last_seq FROM segments s
WHERE last_seq > ? AND first_seq <= ? AND (
    ? = ''
    OR EXISTS (SELECT 1 FROM kinds
               WHERE segment = s.id AND kind IN (SELECT value FROM json_each(?)))
    OR NOT EXISTS (SELECT 1 FROM kinds WHERE segment = s.id))
ORDER BY first_seq;

-- segments_of: Lake files that hold events of some actors.
SELECT DISTINCT s.id, s.path, s.bucket, s.rows, s.first_seq, s.last_seq
FROM holds h JOIN segments s ON s.id = h.segment
WHERE h.actor IN (SELECT value FROM json_each(?));

-- add_hold: Note that a lake file holds events of an actor.
INSERT INTO holds (actor, segment) VALUES (?, ?);

-- add_kind: Note that a lake file holds events of a kind.
INSERT INTO kinds (kind, segment) VALUES (?, ?);

-- changes: How often what was stored has changed.
SELECT value FROM meta WHERE name = 'changes';

-- turn: Count a change, unless another came first.
UPDATE meta SET value = value + 1 WHERE name = 'changes' AND value = ?;
