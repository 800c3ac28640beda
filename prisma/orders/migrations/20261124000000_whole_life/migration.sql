-- what happens to an order between its acceptance and its end: waits, revisions, amendments, concerns, returns

ALTER TABLE orders
  ADD COLUMN on_shortage text NOT NULL DEFAULT 'reject'
    CHECK (on_shortage IN ('ask', 'reject', 'ship_available', 'backorder')),
  ADD COLUMN waiting_for jsonb,
  -- how often less was sold than was ordered; a repeated revision is known by it
  ADD COLUMN revision integer NOT NULL DEFAULT 0;

-- what a line is priced anew from, whatever becomes of its product
ALTER TABLE order_lines ADD COLUMN tax_class text, ADD COLUMN weight_grams integer;
UPDATE order_lines SET tax_class = product.tax_class, weight_grams = product.weight_grams
  FROM catalog_products AS product WHERE product.sku = order_lines.sku;
UPDATE order_lines SET tax_class = 'standard', weight_grams = 0 WHERE tax_class IS NULL;
ALTER TABLE order_lines ALTER COLUMN tax_class SET NOT NULL, ALTER COLUMN weight_grams SET NOT NULL;

ALTER TABLE workflow_starts
  ADD COLUMN attempts        integer NOT NULL DEFAULT 0,
  ADD COLUMN next_attempt_at timestamptz(3) NOT NULL DEFAULT now();
CREATE INDEX workflow_starts_next_attempt_at_idx ON workflow_starts (next_attempt_at);

-- who reads the timeline live follows transactions, not ids: an id that was taken earlier may be committed later
ALTER TABLE timeline_entries ADD COLUMN xact xid8 NOT NULL DEFAULT '0';
ALTER TABLE timeline_entries ALTER COLUMN xact SET DEFAULT pg_current_xact_id();

CREATE TABLE amendments (
  id               uuid PRIMARY KEY,
  order_id         uuid NOT NULL REFERENCES orders (id),
  status           text NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'applied', 'refused')),
  lines            jsonb,
  -- kept only until it has become the order's or was refused
  shipping_address jsonb,
  quote            jsonb,
  code             text,
  message          text,
  requested_at     timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX amendments_order_id_idx ON amendments (order_id);

-- what is put before the operators although no workflow waits for them
CREATE TABLE concerns (
  order_id   uuid NOT NULL REFERENCES orders (id),
  source     text NOT NULL,
  step       text NOT NULL,
  operation  text NOT NULL,
  error      text NOT NULL,
  since      timestamptz(3) NOT NULL DEFAULT now(),
  settled_at timestamptz(3),
  settled_by text,
  note       text,
  PRIMARY KEY (order_id, source)
);
CREATE INDEX concerns_open_idx ON concerns (since, order_id, source) WHERE settled_at IS NULL;

-- signals for workflows, kept until they are delivered
CREATE TABLE wake_ups (
  id              bigserial PRIMARY KEY,
  order_id        uuid NOT NULL,
  signal          text NOT NULL CHECK (signal IN ('stockHeld', 'paymentSettled')),
  trace           text,
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX wake_ups_next_attempt_at_idx ON wake_ups (next_attempt_at);

ALTER TABLE order_shipments ADD COLUMN returnable_until timestamptz(3);
UPDATE order_shipments SET returnable_until = (
  SELECT (step->>'at')::timestamptz + interval '30 days'
  FROM jsonb_array_elements(history) AS step WHERE step->>'status' = 'delivered' LIMIT 1);

CREATE TABLE returns (
  id              uuid PRIMARY KEY,
  order_id        uuid NOT NULL REFERENCES orders (id),
  customer_id     uuid NOT NULL,
  status          text NOT NULL CHECK (status IN ('requested', 'approved', 'received', 'refunded', 'rejected',
                    'cancelled')),
  reason          text,
  -- what it gives back, minor units, known once it is approved: the goods with their tax, and the shipping cost
  goods           bigint CHECK (goods >= 0),
  shipping        bigint CHECK (shipping >= 0),
  version         integer NOT NULL DEFAULT 1,
  trace           text,
  -- its workflow is started with this; null while that is still to be done
  started_at      timestamptz(3),
  start_attempts  integer NOT NULL DEFAULT 0,
  next_start_at   timestamptz(3) NOT NULL DEFAULT now(),
  created_at      timestamptz(3) NOT NULL DEFAULT now(),
  updated_at      timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX returns_order_id_idx ON returns (order_id);
CREATE INDEX returns_created_at_id_idx ON returns (created_at DESC, id DESC);
CREATE INDEX returns_customer_id_created_at_id_idx ON returns (customer_id, created_at DESC, id DESC);
CREATE INDEX returns_unstarted_idx ON returns (next_start_at) WHERE started_at IS NULL;

CREATE TABLE return_lines (
  return_id uuid NOT NULL REFERENCES returns (id),
  position  integer NOT NULL,
  sku       text NOT NULL,
  quantity  integer NOT NULL CHECK (quantity > 0),
  reason    text NOT NULL,
  PRIMARY KEY (return_id, position)
);

-- parcels that were lost and are paid back
CREATE TABLE lost_parcels (
  shipment_id uuid PRIMARY KEY,
  order_id    uuid NOT NULL REFERENCES orders (id),
  goods       bigint NOT NULL CHECK (goods >= 0),
  shipping    bigint NOT NULL CHECK (shipping >= 0)
);
CREATE INDEX lost_parcels_order_id_idx ON lost_parcels (order_id);

-- what reconciliations brought to light; the same thing once a day
CREATE TABLE findings (
  id         uuid PRIMARY KEY,
  kind       text NOT NULL,
  subject_id text NOT NULL,
  order_id   uuid,
  detail     text NOT NULL,
  repaired   boolean NOT NULL,
  found_at   timestamptz(3) NOT NULL DEFAULT now()
);
