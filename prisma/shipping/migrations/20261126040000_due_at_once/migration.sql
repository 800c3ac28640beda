-- now() is rounded to milliseconds, half the time into the future: what has just come would not be due for a moment
ALTER TABLE carrier_webhooks ALTER COLUMN next_attempt_at SET DEFAULT date_trunc('milliseconds', now());
