-- value: One value of the register.
SELECT value FROM meta WHERE name = ?;

-- set_value: Set one value of the register.
INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- turn_map: Let readers notice that persons changed.
UPDATE meta SET value = value + 1 WHERE name = 'map_version';

-- turn_map_back: Let them notice that something was taken back from it, not only added.
INSERT INTO meta (name, value) VALUES ('map_back', 1)
ON CONFLICT (name) DO UPDATE SET value = value + 1;

-- map_stand: The version of the map of persons, and how often something was taken back from it.
SELECT value, (SELECT total(value) FROM meta WHERE name = 'map_back')
FROM meta WHERE name = 'map_version';

-- turn_keys: Let whoever holds keys notice that some were destroyed.
INSERT INTO meta (name, value) VALUES ('keys_gone', 1)
ON CONFLICT (name) DO UPDATE SET value = value + 1;

-- actor_of: The actor of an identifier by its hash.
SELECT actor FROM actors WHERE hash = ?;

-- actors_or_stones: Actors of identifiers by their hashes; 0 (and first) where it was forgotten.
SELECT hash, 0 FROM tombstones WHERE hash IN (?) UNION ALL
SELECT hash, actor FROM actors WHERE hash IN (?);

-- add_actor: Make an actor for an identifier.
INSERT INTO actors (actor, kind, hash, created_us, source, key) VALUES (?, ?, ?, ?, ?, ?);

-- add_handle: Let an actor be searched by a value.
INSERT OR IGNORE INTO handles (hash, actor) VALUES (?, ?);

-- add_text: Keep a sealed text once an actor and name; the first source stays.
INSERT OR IGNORE INTO vault (actor, name, hash, own, sealed, source) VALUES (?, ?, ?, ?, ?, ?);

-- all_actors: Every actor as one list of JSON: a row each would take three times as long.
SELECT json_group_array(actor) FROM actors;

-- count_actors: How many there are.
SELECT count(*) FROM actors;

-- known: Those of some actors that exist.
SELECT actor FROM actors WHERE actor IN (SELECT value FROM json_each(?));

-- keys: Wrapped data keys of some actors.
SELECT actor, key FROM actors WHERE actor IN (SELECT value FROM json_each(?));

-- hashes: Identifier hashes of some actors.
SELECT hash, actor FROM actors WHERE actor IN (SELECT value FROM json_each(?));

-- texts: Sealed texts of some actors under some names (all names when the list is empty).
SELECT v.actor, a.key, v.name, v.hash, v.sealed
FROM vault v JOIN actors a ON a.actor = v.actor
WHERE v.actor IN (SELECT value FROM json_each(?1))
  AND (json_array_length(?2) = 0 OR v.name IN (SELECT value FROM json_each(?2)))
ORDER BY v.id;

-- telling: Sealed texts of some actors: their identifiers, and what no other actor has.
SELECT v.actor, a.key, v.name, v.hash, v.sealed
FROM vault v JOIN actors a ON a.actor = v.actor
WHERE v.actor IN (SELECT value FROM json_each(?1))
  AND (v.own = 1 OR NOT EXISTS (
    SELECT 1 FROM vault o
    WHERE o.hash = v.hash AND o.actor NOT IN (SELECT value FROM json_each(?1))))
ORDER BY v.id;

-- by_handle: Actors that can be searched by a value.
SELECT actor FROM handles WHERE hash = ?;

-- by_text: Actors with a text of a name.
SELECT actor FROM vault WHERE hash = ? AND name = ?;

-- add_fact: Keep a fact; the first source of the same fact stays.
INSERT OR IGNORE INTO facts (actor, name, value, told, at_us, source) VALUES (?, ?, ?, ?, ?, ?);

-- facts: Facts of some actors, oldest first.
SELECT name, value, told, source, at_us FROM facts
WHERE actor IN (SELECT value FROM json_each(?)) ORDER BY at_us, id;

-- all_facts: Every fact, oldest first.
SELECT actor, name, value, told, source, at_us FROM facts ORDER BY at_us, id;

-- add_consent: Keep a statement; the first source of the same statement stays.
INSERT OR IGNORE INTO consents (actor, purpose, channel, state, at_us, source, text_version)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- consents: Statements of some actors, oldest first.
SELECT actor, purpose, channel, state, at_us, source, text_version FROM consents
WHERE actor IN (SELECT value FROM json_each(?)) ORDER BY at_us, id;

-- all_consents: Every statement, oldest first.
SELECT actor, purpose, channel, state, at_us, source, text_version FROM consents ORDER BY at_us, id;

-- add_merge: Note that two persons are one.
INSERT INTO merges (id, kept, gone, reason, detail, source, at_us) VALUES (?, ?, ?, ?, ?, ?, ?);

-- same_merge: The same merge for the same reason, standing.
SELECT id, kept, gone, reason, at_us, undone_us, detail FROM merges
WHERE kept = ? AND gone = ? AND reason = ? AND undone_us IS NULL;

-- undo_merge: Note that a merge was undone.
UPDATE merges SET undone_us = ? WHERE id = ? AND undone_us IS NULL;

-- merge: One merge.
SELECT id, kept, gone, reason, at_us, undone_us, detail FROM merges WHERE id = ?;

-- merges: Every merge, newest first.
SELECT id, kept, gone, reason, at_us, undone_us, detail FROM merges ORDER BY number DESC;

-- merges_of: Merges that touch some actors, newest first.
SELECT id, kept, gone, reason, at_us, undone_us, detail FROM merges
WHERE kept IN (SELECT value FROM json_each(?1)) OR gone IN (SELECT value FROM json_each(?1))
ORDER BY number DESC;

-- merged_since: Merges after a number that were not undone, in the order they were made.
SELECT number, kept, gone FROM merges WHERE number > ? AND undone_us IS NULL ORDER BY number;

-- drop_lent: Remove, with others, texts that are identifiers of some actors.
DELETE FROM vault
WHERE own = 0
  AND hash IN (SELECT hash FROM vault WHERE own = 1 AND actor IN (SELECT value FROM json_each(?1)))
  AND actor NOT IN (SELECT value FROM json_each(?1));

-- drop_merges: Remove merges that touch some actors.
DELETE FROM merges
WHERE kept IN (SELECT value FROM json_each(?1)) OR gone IN (SELECT value FROM json_each(?1));

-- drop_actors: Remove actors with their keys, texts, facts and consents.
DELETE FROM actors WHERE actor IN (SELECT value FROM json_each(?));

-- count_own: Identifiers of some actors.
SELECT count(*) FROM vault WHERE own = 1 AND actor IN (SELECT value FROM json_each(?));

-- count_texts: Texts of some actors that are no identifiers.
SELECT count(*) FROM vault WHERE own = 0 AND actor IN (SELECT value FROM json_each(?));

-- count_facts: Facts of some actors.
SELECT count(*) FROM facts WHERE actor IN (SELECT value FROM json_each(?));

-- count_consents: Statements of some actors.
SELECT count(*) FROM consents WHERE actor IN (SELECT value FROM json_each(?));

-- add_tombstone: Remember that an actor was forgotten.
INSERT OR IGNORE INTO tombstones (actor, hash) VALUES (?, ?);

-- tombstones: Everybody forgotten.
SELECT actor FROM tombstones ORDER BY actor;

-- is_tombstone: Whether an actor was forgotten.
SELECT 1 FROM tombstones WHERE actor = ?;

-- is_stone: Whether an identifier was forgotten, by its hash.
SELECT 1 FROM tombstones WHERE hash = ?;

-- unsettled: Forgotten actors whose decisions are still theirs.
SELECT actor FROM tombstones WHERE settled = 0;

-- withdraw_facts: Take back the facts of a source.
DELETE FROM facts WHERE source = ?;

-- withdraw_consents: Take back the statements of a source.
DELETE FROM consents WHERE source = ?;

-- withdraw_texts: Take back the texts of a source; identifiers go with their actor.
DELETE FROM vault WHERE source = ? AND own = 0;

-- withdraw_merges: Take back the merges of a source.
DELETE FROM merges WHERE source = ?;

-- withdraw_actors: Actors that a source brought first and nothing else holds.
SELECT actor FROM actors a
WHERE source = ?1
  AND actor NOT IN (SELECT value FROM json_each(?2))
  AND NOT EXISTS (SELECT 1 FROM vault WHERE actor = a.actor AND own = 0)
  AND NOT EXISTS (SELECT 1 FROM facts WHERE actor = a.actor)
  AND NOT EXISTS (SELECT 1 FROM consents WHERE actor = a.actor)
  AND NOT EXISTS (SELECT 1 FROM merges WHERE kept = a.actor)
  AND NOT EXISTS (SELECT 1 FROM merges WHERE gone = a.actor);
