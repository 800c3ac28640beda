-- which of its workflow's moves an order has made last, so that one that comes late moves it no more
ALTER TABLE orders ADD COLUMN moved_by text, ADD COLUMN moves integer NOT NULL DEFAULT 0;
