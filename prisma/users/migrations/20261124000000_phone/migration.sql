-- E.164: a plus sign and at most fifteen digits
ALTER TABLE users
  ADD COLUMN phone text CONSTRAINT users_phone_check CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
  ADD CONSTRAINT users_erased_phone_check CHECK (erased_at IS NULL OR phone IS NULL);
