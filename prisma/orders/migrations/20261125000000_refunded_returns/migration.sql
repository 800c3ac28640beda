-- what a return has really given back: less than was agreed to where others had given it back already
ALTER TABLE returns ADD COLUMN refunded bigint CHECK (refunded >= 0);
