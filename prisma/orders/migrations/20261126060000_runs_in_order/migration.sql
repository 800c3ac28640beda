-- when the run began that has made the last move: what an earlier run of the chain still writes comes late
ALTER TABLE orders ADD COLUMN moved_began timestamptz(3);
