-- which workflow task has made the last move: one that was lost and is done over may move the order elsewhere
ALTER TABLE orders ADD COLUMN moved_run text, ADD COLUMN moved_task integer NOT NULL DEFAULT 0;
