CREATE SEQUENCE order_numbers START 100001;

CREATE TABLE orders (
  id               uuid PRIMARY KEY,
  number           text NOT NULL UNIQUE,
  customer_id      uuid NOT NULL,
  status           text NOT NULL CHECK (status IN ('placed', 'reserving', 'awaiting_customer', 'authorizing', 'confirmed',
                     'amending', 'fulfilling', 'cancelling', 'completed', 'rejected', 'cancelled')),
  reason_code      text,
  reason_message   text,
  currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  subtotal         bigint NOT NULL CHECK (subtotal >= 0),
  tax              bigint NOT NULL CHECK (tax >= 0),
  shipping         bigint NOT NULL CHECK (shipping >= 0),
  shipping_tax     bigint NOT NULL CHECK (shipping_tax >= 0),
  total            bigint NOT NULL CHECK (total = subtotal + tax + shipping + shipping_tax),
  shipping_address jsonb NOT NULL,
  payment_method   text NOT NULL,
  version          integer NOT NULL DEFAULT 1,
  attention        jsonb,
  created_at       timestamptz(3) NOT NULL DEFAULT now(),
  updated_at       timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX orders_customer_id_created_at_id_idx ON orders (customer_id, created_at DESC, id DESC);
CREATE INDEX orders_created_at_id_idx ON orders (created_at DESC, id DESC);
CREATE INDEX orders_attention_idx ON orders (created_at, id) WHERE attention IS NOT NULL;

CREATE TABLE order_lines (
  order_id   uuid NOT NULL REFERENCES orders (id),
  position   integer NOT NULL,
  sku        text NOT NULL,
  name       text NOT NULL,
  quantity   integer NOT NULL CHECK (quantity > 0),
  unit_price bigint NOT NULL CHECK (unit_price >= 0),
  total      bigint NOT NULL CHECK (total = unit_price * quantity),
  tax        bigint NOT NULL CHECK (tax >= 0),
  PRIMARY KEY (order_id, position)
);

CREATE TABLE workflow_starts (
  order_id     uuid PRIMARY KEY REFERENCES orders (id),
  trace        text,
  requested_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE timeline_entries (
  id       bigserial PRIMARY KEY,
  order_id uuid NOT NULL,
  at       timestamptz(3) NOT NULL,
  kind     text NOT NULL CHECK (kind IN ('request', 'step', 'event', 'payment', 'parcel', 'operator')),
  name     text NOT NULL,
  status   text NOT NULL,
  detail   text,
  trace_id text,
  source   text NOT NULL,
  CONSTRAINT timeline_entries_order_id_source_key UNIQUE (order_id, source)
);
CREATE INDEX timeline_entries_order_id_at_id_idx ON timeline_entries (order_id, at, id);

CREATE TABLE catalog_products (
  sku          text PRIMARY KEY,
  name         text NOT NULL,
  price        bigint NOT NULL,
  currency     text NOT NULL,
  tax_class    text NOT NULL,
  weight_grams integer NOT NULL,
  active       boolean NOT NULL
);

CREATE TABLE order_payments (
  order_id   uuid PRIMARY KEY,
  status     text NOT NULL,
  authorized bigint NOT NULL,
  captured   bigint NOT NULL,
  refunded   bigint NOT NULL,
  released   bigint NOT NULL,
  brand      text,
  last4      text
);

CREATE TABLE order_shipments (
  id              uuid PRIMARY KEY,
  order_id        uuid NOT NULL,
  warehouse       text NOT NULL,
  status          text NOT NULL,
  lines           jsonb NOT NULL,
  carrier         text,
  tracking_number text,
  history         jsonb NOT NULL
);
CREATE INDEX order_shipments_order_id_idx ON order_shipments (order_id);

-- customers whose accounts are gone: their orders that still run lose their address when they end
CREATE TABLE erased_customers (
  customer_id uuid PRIMARY KEY,
  erased_at   timestamptz(3) NOT NULL DEFAULT now()
);

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
