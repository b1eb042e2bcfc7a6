-- item_number: The number of an item.
SELECT number FROM items WHERE kind = ? AND code = ?;

-- put_item: Store an item; an item of the same kind and code keeps its number.
INSERT INTO items (number, kind, code, title, category, price_minor, currency, facts, changed)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(changed), 0) + 1 FROM items))
ON CONFLICT (kind, code) DO UPDATE SET
    title = excluded.title, category = excluded.category, price_minor = excluded.price_minor,
    currency = excluded.currency, facts = excluded.facts, changed = excluded.changed
RETURNING number;

-- items: Items by number.
SELECT number, kind, code, title, category, price_minor, currency, facts FROM items
WHERE number IN (SELECT value FROM json_each(?));

-- items_by_code: Numbers of items of a kind by code.
SELECT code, number FROM items WHERE kind = ? AND code IN (SELECT value FROM json_each(?));

-- all_items: The catalogue (of one kind, or of all for '').
SELECT number, kind, code, title, category, price_minor, currency, facts FROM items
WHERE ?1 = '' OR kind = ?1 ORDER BY number;

-- items_changed: Items written after a mark, with their marks. The plus keeps the order from
-- being got by reading every item in it.
SELECT number, kind, code, title, category, price_minor, currency, facts, changed FROM items
WHERE changed > ? ORDER BY +number;

-- reserve: Add to a counter where the limit allows it; values: key, amount, limit.
INSERT INTO counters (key, total) SELECT ?1, ?2 WHERE ?2 <= ?3
ON CONFLICT (key) DO UPDATE SET total = total + ?2 WHERE total + ?2 <= ?3;

-- add_hold: Remember a hold.
INSERT INTO holds (id, key, amount, until_us) VALUES (?, ?, ?, ?);

-- hold: A hold that has not expired.
SELECT key, amount FROM holds WHERE id = ? AND until_us > ?;

-- drop_hold: End a hold.
DELETE FROM holds WHERE id = ?;

-- spend_expired: Holds of a counter that expired are spent.
DELETE FROM holds WHERE key = ? AND until_us <= ?;

-- give_back: Take an amount off a counter.
UPDATE counters SET total = total - ? WHERE key = ?;

-- total: Used plus held.
SELECT total FROM counters WHERE key = ?;

-- set_timer: Set or move the timer of a key.
INSERT INTO timers (key, id, due_us, free_us, payload) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    id = excluded.id, due_us = excluded.due_us, free_us = excluded.free_us,
    payload = excluded.payload;

-- due_timers: Timers that are due and not leased; values: at, limit.
SELECT id, key, due_us, payload FROM timers
WHERE due_us <= ?1 AND free_us <= ?1 ORDER BY due_us, id LIMIT ?2;

-- lease_timer: Lease a timer until a time.
UPDATE timers SET free_us = ? WHERE id = ?;

-- drop_timer: Finish a timer.
DELETE FROM timers WHERE id = ?;

-- cancel_timer: Drop the timer of a key.
DELETE FROM timers WHERE key = ?;

-- queue_effect: Queue an effect once a send id.
INSERT OR IGNORE INTO outbox (send_id, channel, decision, payload, due_us, free_us, state, detail,
                              changed_us)
VALUES (?, ?, ?, ?, ?, ?, 'held', '', ?);

-- due_effects: Effects that wait, are due and not leased; values: at, limit.
SELECT send_id, channel, decision, payload, due_us FROM outbox
WHERE state = 'held' AND due_us <= ?1 AND free_us <= ?1 ORDER BY due_us, send_id LIMIT ?2;

-- lease_effect: Lease an effect until a time.
UPDATE outbox SET free_us = ? WHERE send_id = ?;

-- book_effect: Book what became of an effect that waits.
UPDATE outbox SET state = ?, detail = ?, due_us = max(due_us, ?), free_us = 0, changed_us = ?
WHERE send_id = ? AND state IN ('held', 'unknown');

-- effects_by_state: How many effects are in each state.
SELECT state, count(*) FROM outbox GROUP BY state;

-- put_paper: Store a new version of a paper.
INSERT INTO papers (kind, name, version, body, by, at_us)
SELECT ?1, ?2, coalesce(max(version), 0) + 1, ?3, ?4, ?5 FROM papers WHERE kind = ?1 AND name = ?2
RETURNING version;

-- turn_papers: Let whoever remembers papers of a kind notice that one changed.
INSERT INTO meta (name, value) VALUES ('papers/' || ?, 1)
ON CONFLICT (name) DO UPDATE SET value = value + 1;

-- papers_turned: How often papers of two kinds changed.
SELECT total(value) FROM meta WHERE name IN ('papers/' || ?, 'papers/' || ?);

-- newest_paper: The newest version of a paper.
SELECT kind, name, version, body, by, at_us FROM papers
WHERE kind = ? AND name = ? ORDER BY version DESC LIMIT 1;

-- paper: One version of a paper.
SELECT kind, name, version, body, by, at_us FROM papers
WHERE kind = ? AND name = ? AND version = ?;

-- paper_names: Names of a kind.
SELECT DISTINCT name FROM papers WHERE kind = ? ORDER BY name;

-- paper_history: Every version of a paper, newest first.
SELECT kind, name, version, body, by, at_us FROM papers
WHERE kind = ? AND name = ? ORDER BY version DESC;

-- drop_paper: Remove a paper and its history.
DELETE FROM papers WHERE kind = ? AND name = ?;

-- effects_of: Send ids of the effects of a decision.
SELECT send_id FROM outbox WHERE decision = ?;

-- clear_effect: Empty an effect; what waited has failed.
UPDATE outbox SET payload = ?, detail = 'forgotten',
    state = CASE state WHEN 'held' THEN 'failed' ELSE state END
WHERE send_id = ?;
