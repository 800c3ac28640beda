CREATE TABLE shipments (
  id              uuid PRIMARY KEY,
  order_id        uuid NOT NULL,
  customer_id     uuid CHECK (customer_id IS NOT NULL OR status = 'cancelled'),
  warehouse       text NOT NULL,
  status          text NOT NULL CHECK (status IN ('pending', 'booked', 'dispatched', 'delivered', 'lost', 'cancelled')),
  lines           jsonb NOT NULL,
  carrier         text,
  tracking_number text,
  booking_id      text CHECK (booking_id IS NOT NULL OR status NOT IN ('booked', 'dispatched', 'delivered', 'lost')),
  unsettled       boolean NOT NULL DEFAULT false CHECK (NOT unsettled OR status = 'cancelled'),
  version         integer NOT NULL CHECK (version >= 0),
  created_at      timestamptz(3) NOT NULL DEFAULT now(),
  updated_at      timestamptz(3) NOT NULL DEFAULT now(),
  polled_at       timestamptz(3)
);
CREATE INDEX shipments_created_at_id_idx ON shipments (created_at DESC, id DESC);
CREATE INDEX shipments_order_id_idx ON shipments (order_id);
CREATE UNIQUE INDEX shipments_carrier_booking_id_key ON shipments (carrier, booking_id);
CREATE INDEX shipments_under_way_idx ON shipments (polled_at) WHERE status IN ('booked', 'dispatched') OR unsettled;

CREATE TABLE shipment_history (
  shipment_id uuid NOT NULL REFERENCES shipments (id),
  status      text NOT NULL,
  at          timestamptz(3) NOT NULL,
  source      text NOT NULL CHECK (source IN ('system', 'courier', 'carrier')),
  position    integer NOT NULL,
  PRIMARY KEY (shipment_id, status),
  UNIQUE (shipment_id, position)
);

CREATE TABLE carrier_webhooks (
  carrier         text NOT NULL,
  id              text NOT NULL,
  body            text NOT NULL,
  received_at     timestamptz(3) NOT NULL DEFAULT now(),
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz(3) NOT NULL DEFAULT now(),
  processed_at    timestamptz(3),
  note            text,
  PRIMARY KEY (carrier, id)
);
CREATE INDEX carrier_webhooks_waiting_idx ON carrier_webhooks (next_attempt_at) WHERE processed_at IS NULL;

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
