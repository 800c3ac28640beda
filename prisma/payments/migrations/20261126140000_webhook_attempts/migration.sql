-- one that fails is tried again less and less often, and given up after a day: see platform/webhook-queue.ts
ALTER TABLE provider_webhooks
  ADD COLUMN attempts integer NOT NULL DEFAULT 0,
  ADD COLUMN note text;
