-- In which order items were written, so that a reader fetches only what is new to it.
ALTER TABLE items ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
UPDATE items SET changed = number;
CREATE INDEX items_changed ON items (changed);
