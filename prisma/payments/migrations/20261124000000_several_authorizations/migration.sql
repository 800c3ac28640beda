CREATE TABLE authorizations (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  payment_id        uuid NOT NULL REFERENCES payments (id),
  request           integer NOT NULL CHECK (request > 0),
  sequence          integer NOT NULL CHECK (sequence > 0),
  shipment_id       uuid,
  carries_shipping  boolean NOT NULL,
  renews            uuid REFERENCES authorizations (id),
  amount            bigint NOT NULL CHECK (amount > 0),
  payment_method    text NOT NULL,
  standing          text NOT NULL CHECK (standing IN ('candidate', 'current', 'superseded')),
  status            text NOT NULL DEFAULT 'created' CHECK (status IN ('created', 'requires_action', 'authorized',
                      'declined', 'voided', 'expired')),
  code              text,
  captured          bigint NOT NULL DEFAULT 0 CHECK (captured >= 0),
  refunded          bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
  released          bigint NOT NULL DEFAULT 0 CHECK (released >= 0),
  disputed          bigint NOT NULL DEFAULT 0 CHECK (disputed >= 0),
  charged_back      bigint NOT NULL DEFAULT 0 CHECK (charged_back >= 0),
  release_requested boolean NOT NULL DEFAULT false,
  expired           boolean NOT NULL DEFAULT false,
  provider_id       text,
  brand             text,
  last4             text,
  action_url        text,
  expires_at        timestamptz(3),
  compared_at       timestamptz(3),
  created_at        timestamptz(3) NOT NULL DEFAULT now(),
  UNIQUE (payment_id, sequence),
  CONSTRAINT authorizations_captured_within_amount CHECK (captured + released <= amount),
  CONSTRAINT authorizations_refunded_within_captured CHECK (refunded <= captured AND disputed + charged_back <= captured)
);
CREATE INDEX authorizations_provider_id_idx ON authorizations (provider_id);
CREATE INDEX authorizations_open_idx ON authorizations (payment_id) WHERE status IN ('requires_action', 'authorized');

CREATE TABLE refunds (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  payment_id uuid NOT NULL REFERENCES payments (id),
  reference  text NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('order', 'goodwill')),
  amount     bigint NOT NULL CHECK (amount > 0),
  reason     text NOT NULL,
  status     text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded', 'refused')),
  code       text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  settled_at timestamptz(3),
  UNIQUE (payment_id, reference)
);
CREATE INDEX refunds_pending_idx ON refunds (created_at) WHERE status = 'pending';

CREATE TABLE disputes (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  authorization_id uuid NOT NULL REFERENCES authorizations (id),
  provider_id      text NOT NULL,
  amount           bigint NOT NULL CHECK (amount > 0),
  status           text NOT NULL CHECK (status IN ('open', 'won', 'lost')),
  created_at       timestamptz(3) NOT NULL DEFAULT now(),
  UNIQUE (authorization_id, provider_id)
);

ALTER TABLE attempts
  ADD COLUMN authorization_id uuid REFERENCES authorizations (id),
  ADD COLUMN refund_id uuid REFERENCES refunds (id),
  ADD COLUMN waiting boolean NOT NULL DEFAULT false,
  DROP CONSTRAINT attempts_operation_check,
  ADD CONSTRAINT attempts_operation_check CHECK (operation IN ('authorize', 'capture', 'void', 'refund')),
  DROP CONSTRAINT attempts_capture_has_shipment,
  ADD CONSTRAINT attempts_shipment_of_captures CHECK (shipment_id IS NULL OR operation = 'capture'),
  ADD CONSTRAINT attempts_waiting_is_unknown CHECK (NOT waiting OR (operation = 'authorize' AND status = 'unknown'));
-- what waits for the customer is open for days and moves no money meanwhile
DROP INDEX attempts_one_unsettled;
CREATE UNIQUE INDEX attempts_one_unsettled ON attempts (payment_id) WHERE status IN ('sent', 'unknown') AND NOT waiting;
CREATE INDEX attempts_unsettled_idx ON attempts (sent_at) WHERE status IN ('sent', 'unknown');
CREATE INDEX attempts_refund_id_idx ON attempts (refund_id) WHERE refund_id IS NOT NULL;

-- until now a payment had one authorization, which its row described
INSERT INTO authorizations (payment_id, request, sequence, carries_shipping, amount, payment_method, standing, status, code,
                            captured, refunded, released, provider_id, brand, last4, created_at)
SELECT payment.id, attempt.sequence, attempt.sequence, true, attempt.amount, payment.payment_method, 'current',
       CASE WHEN payment.authorized > 0 AND payment.released = payment.authorized THEN 'voided'
            WHEN payment.authorized > 0 THEN 'authorized'
            WHEN attempt.status = 'declined' THEN 'declined'
            ELSE 'created' END,
       attempt.error_code, payment.captured, payment.refunded, payment.released, payment.provider_authorization_id,
       payment.brand, payment.last4, attempt.created_at
FROM attempts attempt JOIN payments payment ON payment.id = attempt.payment_id
WHERE attempt.operation = 'authorize';
UPDATE attempts attempt SET authorization_id = made.id
FROM authorizations made WHERE made.payment_id = attempt.payment_id AND made.provider_id IS NOT NULL;
UPDATE attempts attempt SET authorization_id = made.id
FROM authorizations made
WHERE attempt.authorization_id IS NULL AND attempt.operation = 'authorize' AND made.payment_id = attempt.payment_id;

ALTER TABLE payments
  ADD COLUMN closed_request integer NOT NULL DEFAULT 0,
  DROP COLUMN provider_authorization_id,
  -- a bank may take back what was refunded already
  DROP CONSTRAINT payments_refunded_within_captured,
  ADD CONSTRAINT payments_refunded_within_captured CHECK (refunded <= captured AND disputed <= captured);

ALTER TABLE ledger_entries
  ALTER COLUMN attempt_id DROP NOT NULL,
  ADD COLUMN dispute_id uuid REFERENCES disputes (id),
  ADD CONSTRAINT ledger_entries_cause CHECK (num_nonnulls(attempt_id, dispute_id) = 1),
  ADD CONSTRAINT ledger_entries_once_per_dispute UNIQUE (dispute_id, kind, account),
  DROP CONSTRAINT ledger_entries_kind_check,
  ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN ('authorization', 'capture', 'release', 'expiry', 'receivable',
    'refund', 'dispute', 'dispute_won', 'dispute_lost')),
  DROP CONSTRAINT ledger_entries_account_check,
  ADD CONSTRAINT ledger_entries_account_check CHECK (account IN ('customer_authorizations', 'provider_commitments',
    'provider_balance', 'receivables', 'sales', 'refunds', 'goodwill', 'disputes', 'chargebacks'));

ALTER TABLE provider_webhooks ADD COLUMN authorization_id text;
