CREATE TABLE payments (
  id                        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  order_id                  uuid NOT NULL UNIQUE,
  customer_id               uuid,
  currency                  text CHECK (currency ~ '^[A-Z]{3}$'),
  amount                    bigint NOT NULL CHECK (amount >= 0),
  payment_method            text,
  status                    text NOT NULL CHECK (status IN ('created', 'requires_action', 'processing', 'authorized',
                              'partially_captured', 'captured', 'partially_refunded', 'not_required', 'refunded', 'voided',
                              'expired', 'failed')),
  authorized                bigint NOT NULL DEFAULT 0 CHECK (authorized >= 0),
  captured                  bigint NOT NULL DEFAULT 0 CHECK (captured >= 0),
  refunded                  bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
  released                  bigint NOT NULL DEFAULT 0 CHECK (released >= 0),
  disputed                  bigint NOT NULL DEFAULT 0 CHECK (disputed >= 0),
  provider                  text NOT NULL,
  provider_authorization_id text,
  brand                     text,
  last4                     text,
  voided_at                 timestamptz(3),
  event_version             integer NOT NULL DEFAULT 0,
  created_at                timestamptz(3) NOT NULL DEFAULT now(),
  updated_at                timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT payments_authorized_within_amount CHECK (authorized <= amount),
  CONSTRAINT payments_captured_within_authorized CHECK (captured + released <= authorized),
  CONSTRAINT payments_refunded_within_captured CHECK (refunded + disputed <= captured),
  CONSTRAINT payments_tombstone CHECK (
    (customer_id IS NOT NULL AND currency IS NOT NULL AND payment_method IS NOT NULL)
    OR (status = 'voided' AND voided_at IS NOT NULL AND amount = 0))
);

CREATE TABLE attempts (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  payment_id  uuid NOT NULL REFERENCES payments (id),
  operation   text NOT NULL CHECK (operation IN ('authorize', 'capture', 'void')),
  sequence    integer NOT NULL CHECK (sequence > 0),
  key         text NOT NULL UNIQUE,
  amount      bigint NOT NULL CHECK (amount > 0),
  shipping    bigint NOT NULL DEFAULT 0 CHECK (shipping BETWEEN 0 AND amount),
  shipment_id uuid,
  status      text NOT NULL CHECK (status IN ('created', 'sent', 'succeeded', 'declined', 'unknown')),
  error_code  text,
  deadline    timestamptz(3),
  sent_at     timestamptz(3),
  created_at  timestamptz(3) NOT NULL DEFAULT now(),
  settled_at  timestamptz(3),
  UNIQUE (payment_id, operation, sequence),
  CONSTRAINT attempts_capture_has_shipment CHECK ((shipment_id IS NOT NULL) = (operation = 'capture'))
);
-- One operation at a time on a payment's money: that is what lets the provider's totals tell what an unknown one did.
CREATE UNIQUE INDEX attempts_one_unsettled ON attempts (payment_id) WHERE status IN ('sent', 'unknown');
CREATE UNIQUE INDEX attempts_one_per_shipment ON attempts (payment_id, shipment_id)
  WHERE operation = 'capture' AND status <> 'declined';

CREATE TABLE ledger_entries (
  id             bigserial PRIMARY KEY,
  transaction_id uuid NOT NULL,
  payment_id     uuid NOT NULL REFERENCES payments (id),
  attempt_id     uuid NOT NULL REFERENCES attempts (id),
  kind           text NOT NULL CHECK (kind IN ('authorization', 'capture', 'release', 'receivable')),
  account        text NOT NULL CHECK (account IN ('customer_authorizations', 'provider_commitments', 'provider_balance',
                   'receivables', 'sales')),
  amount         bigint NOT NULL CHECK (amount <> 0),
  currency       text NOT NULL,
  created_at     timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT ledger_entries_once UNIQUE (attempt_id, kind, account)
);
CREATE INDEX ledger_entries_payment_id_idx ON ledger_entries (payment_id);
CREATE INDEX ledger_entries_transaction_id_idx ON ledger_entries (transaction_id);

CREATE FUNCTION check_ledger_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT sum(amount) FROM ledger_entries WHERE transaction_id = NEW.transaction_id) <> 0 THEN
    RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_ledger_balance();

CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change();

CREATE TABLE provider_webhooks (
  provider        text NOT NULL,
  event_id        text NOT NULL,
  raw             bytea NOT NULL,
  reference       text NOT NULL,
  received_at     timestamptz(3) NOT NULL DEFAULT now(),
  next_attempt_at timestamptz(3) NOT NULL DEFAULT now(),
  processed_at    timestamptz(3),
  PRIMARY KEY (provider, event_id)
);
CREATE INDEX provider_webhooks_pending_idx ON provider_webhooks (next_attempt_at) WHERE processed_at IS NULL;

-- the consistency kit, the same in every service's database (platform/idempotency.ts, platform/events/)

CREATE TABLE idempotency_keys (
  caller      text NOT NULL,
  key         text NOT NULL,
  fingerprint text NOT NULL,
  token       uuid NOT NULL,
  lease_until timestamptz(3) NOT NULL,
  expires_at  timestamptz(3) NOT NULL,
  status      integer,
  body        jsonb,
  PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

CREATE TABLE outbox (
  id           bigserial PRIMARY KEY,
  event_id     uuid NOT NULL UNIQUE,
  aggregate_id text NOT NULL,
  version      integer NOT NULL CHECK (version > 0),
  shard        smallint NOT NULL,
  type         text NOT NULL,
  payload      jsonb NOT NULL,
  trace        text,
  attempts     integer NOT NULL DEFAULT 0,
  last_error   text,
  created_at   timestamptz(3) NOT NULL DEFAULT now(),
  published_at timestamptz(3),
  parked_at    timestamptz(3)
);
CREATE UNIQUE INDEX outbox_aggregate_version ON outbox (aggregate_id, version);
CREATE INDEX outbox_pending_idx ON outbox (shard, id) WHERE published_at IS NULL;
CREATE INDEX outbox_parked_idx ON outbox (aggregate_id) WHERE parked_at IS NOT NULL;

CREATE TABLE inbox (
  consumer    text NOT NULL,
  event_id    uuid NOT NULL,
  received_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);

CREATE TABLE inbox_positions (
  consumer     text NOT NULL,
  aggregate_id text NOT NULL,
  version      integer NOT NULL,
  PRIMARY KEY (consumer, aggregate_id)
);
