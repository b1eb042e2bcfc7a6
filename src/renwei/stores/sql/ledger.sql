-- word: The number of a word.
SELECT number FROM words WHERE text = ?;

-- add_word: Give a word a number.
INSERT INTO words (text) VALUES (?) ON CONFLICT (text) DO UPDATE SET text = text RETURNING number;

-- words: All words.
SELECT number, text FROM words;

-- add: Store one decision, unless its id is taken.
INSERT OR IGNORE INTO decisions (id, person, surface, at_us, body) VALUES (?, ?, ?, ?, ?);

-- get: One decision by id.
SELECT id, person, surface, at_us, body, number FROM decisions WHERE id = ?;

-- of: The newest decisions about some persons; values: persons, limit.
SELECT id, person, surface, at_us, body, number FROM decisions
WHERE person IN (SELECT value FROM json_each(?)) ORDER BY at_us DESC, number DESC LIMIT ?;

-- page: Decisions made in a time, oldest first, from a place on; values: since, number, until, limit.
SELECT id, person, surface, at_us, body, number FROM decisions
WHERE (at_us, number) > (?, ?) AND at_us < ? ORDER BY at_us, number LIMIT ?;

-- last_number: The last number given to a decision.
SELECT coalesce(max(number), 0) FROM decisions;

-- outline: What can be counted of decisions made in a time, in the order made; values: since,
-- until, last number.
SELECT person, surface, at_us, body FROM decisions
WHERE at_us >= ? AND at_us < ? AND number <= ? ORDER BY at_us, number;

-- outline_newer: The same of those recorded after a number; values: number, last number, since,
-- until.
SELECT person, surface, at_us, body FROM decisions
WHERE number > ? AND number <= ? AND +at_us >= ? AND +at_us < ? ORDER BY number;

-- about: Decisions about some persons.
SELECT id, person, surface, at_us, body, number FROM decisions
WHERE person IN (SELECT value FROM json_each(?));

-- count_before: How many decisions were made before a time.
SELECT count(*) FROM decisions WHERE at_us < ?;

-- drop_before: Drop some of the decisions made before a time.
DELETE FROM decisions
WHERE number IN (SELECT number FROM decisions WHERE at_us < ? ORDER BY at_us LIMIT ?);

-- drop_effects: Drop some of the effects that were settled before a time.
DELETE FROM outbox WHERE send_id IN (
    SELECT send_id FROM outbox WHERE changed_us < ? AND state IN ('sent', 'failed') LIMIT ?);

-- rewrite: Replace what a decision says.
UPDATE decisions SET person = ?, body = ? WHERE number = ?;

-- drop: Take a decision away (it moved to a segment).
DELETE FROM decisions WHERE number = ?;

-- settle: Note that the decisions about an actor belong to nobody.
UPDATE tombstones SET settled = 1 WHERE actor IN (SELECT value FROM json_each(?));

-- add_segment: Register a segment.
INSERT INTO segments (path, rows, first_us, last_us) VALUES (?, ?, ?, ?);

-- drop_segment: Take a segment off the register.
DELETE FROM segments WHERE number = ?;

-- segments: All segments, the newest first.
SELECT number, path, rows, first_us, last_us FROM segments ORDER BY last_us DESC, number DESC;

-- changes: How often what was recorded has changed.
SELECT value FROM meta WHERE name = 'ledger_changes';

-- turn: Count a change, unless another came first.
UPDATE meta SET value = value + 1 WHERE name = 'ledger_changes' AND value = ?;

-- turned: Count a change, whatever came before.
UPDATE meta SET value = value + 1 WHERE name = 'ledger_changes';

-- before: Decisions made before a time, in the order recorded; values: time, limit.
SELECT id, person, surface, at_us, body, number FROM decisions
WHERE at_us < ? AND typeof(id) = 'blob' ORDER BY at_us, number LIMIT ?;
