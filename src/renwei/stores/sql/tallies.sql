-- position: How far a fold has read.
SELECT position FROM folds WHERE name = ?;

-- move: Move a fold on; what lies behind where it stands changes nothing.
INSERT INTO folds (name, position) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET position = excluded.position
WHERE excluded.position >= folds.position;

-- names: What a fold counts.
SELECT name, number FROM tally_names WHERE fold = ?;

-- add_name: Number something that a fold counts.
INSERT INTO tally_names (fold, name) VALUES (?, ?) RETURNING number;

-- gone: Those of some actors that were forgotten.
SELECT actor FROM tombstones WHERE actor IN (SELECT value FROM json_each(?));

-- add: Add to a sum.
INSERT INTO tallies (actor, name, item, day, n, amount, last_us) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (actor, name, item, day) DO UPDATE SET
    n = n + excluded.n,
    amount = amount + excluded.amount,
    last_us = max(last_us, excluded.last_us);

-- of: The sums of some actors under some names (all when the list is empty), newest day first.
SELECT t.actor, w.name, t.item, t.day, t.n, t.amount, t.last_us
FROM tallies t JOIN tally_names w ON w.number = t.name
WHERE t.actor IN (SELECT value FROM json_each(?1))
  AND (json_array_length(?2) = 0 OR w.name IN (SELECT value FROM json_each(?2)))
ORDER BY t.day DESC, t.last_us DESC;

-- numbered: Numbers of some names (all when the list is empty), with their names.
SELECT number, name FROM tally_names
WHERE json_array_length(?1) = 0 OR name IN (SELECT value FROM json_each(?1));

-- all: Sums by actor under some numbers, since a day.
SELECT actor, name, item, day, n, amount, last_us FROM tallies
WHERE day >= ?1 AND name IN (SELECT value FROM json_each(?2));

-- forget: Remove the sums of some actors.
DELETE FROM tallies WHERE actor IN (SELECT value FROM json_each(?));

-- count_before: How many sums are of days before one.
SELECT count(*) FROM tallies WHERE day < ?;

-- before: Sums of days before one.
SELECT actor, name, item, day FROM tallies WHERE day < ? LIMIT ?;

-- drop: Remove one sum.
DELETE FROM tallies WHERE actor = ? AND name = ? AND item = ? AND day = ?;

-- reset_sums: Remove the sums of a fold.
DELETE FROM tallies WHERE name IN (SELECT number FROM tally_names WHERE fold = ?);

-- reset_position: Let a fold read from the beginning.
DELETE FROM folds WHERE name = ?;
