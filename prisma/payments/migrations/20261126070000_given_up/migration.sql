-- what an operator has settled otherwise is not sent any more; where the provider has done it all the same, they are told
ALTER TABLE attempts
  ADD COLUMN given_up_at timestamptz(3),
  ADD COLUMN given_up_listed_at timestamptz(3),
  ADD CONSTRAINT attempts_given_up_moves_money CHECK (given_up_at IS NULL OR operation IN ('capture', 'refund'));
CREATE INDEX attempts_given_up_idx ON attempts (given_up_at) WHERE given_up_at IS NOT NULL AND status = 'succeeded';
