-- what a webhook says of its authorization: where ours is as far already, nobody has to be asked
ALTER TABLE provider_webhooks ADD COLUMN figures jsonb;
