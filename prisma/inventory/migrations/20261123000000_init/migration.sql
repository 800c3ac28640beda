CREATE TABLE warehouses (
  code     text PRIMARY KEY CHECK (code ~ '^[A-Z0-9]{2,16}$'),
  name     text NOT NULL,
  priority integer NOT NULL
);

CREATE TABLE products (
  sku          text PRIMARY KEY CHECK (sku ~ '^[A-Z0-9][A-Z0-9-]{0,63}$'),
  name         text NOT NULL,
  price        bigint NOT NULL CHECK (price BETWEEN 0 AND 1000000000000),
  currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  tax_class    text NOT NULL CHECK (tax_class IN ('standard', 'reduced', 'zero')),
  weight_grams integer NOT NULL CHECK (weight_grams >= 0),
  active       boolean NOT NULL,
  version      integer NOT NULL CHECK (version > 0),
  created_at   timestamptz(3) NOT NULL DEFAULT now(),
  updated_at   timestamptz(3) NOT NULL DEFAULT now()
);

-- rows that every order updates: room on their pages keeps those updates out of the index
CREATE TABLE stock (
  sku           text NOT NULL REFERENCES products (sku),
  warehouse     text NOT NULL REFERENCES warehouses (code),
  on_hand       integer NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
  held          integer NOT NULL DEFAULT 0 CHECK (held >= 0),
  committed     integer NOT NULL DEFAULT 0 CHECK (committed >= 0),
  event_version integer NOT NULL DEFAULT 0,
  PRIMARY KEY (sku, warehouse),
  CONSTRAINT stock_available CHECK (on_hand >= held + committed)
) WITH (fillfactor = 50);

CREATE TABLE stock_movements (
  id         uuid PRIMARY KEY,
  sku        text NOT NULL,
  warehouse  text NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('received', 'adjusted', 'shipped', 'returned')),
  quantity   integer NOT NULL CHECK (quantity > 0 OR (kind = 'adjusted' AND quantity < 0)),
  reason     text,
  reference  text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  FOREIGN KEY (sku, warehouse) REFERENCES stock (sku, warehouse)
);
CREATE INDEX stock_movements_sku_warehouse_idx ON stock_movements (sku, warehouse);
-- a parcel takes a product away once, whatever else goes wrong
CREATE UNIQUE INDEX stock_movements_shipped_once ON stock_movements (reference, sku, warehouse) WHERE kind = 'shipped';

CREATE TABLE reservations (
  order_id   uuid PRIMARY KEY,
  status     text NOT NULL CHECK (status IN ('held', 'committed', 'shipped', 'released', 'expired', 'refused')),
  expires_at timestamptz(3) CHECK (expires_at IS NOT NULL OR status NOT IN ('held', 'committed', 'shipped')),
  shortages  jsonb CHECK (shortages IS NOT NULL OR status <> 'refused'),
  version    integer NOT NULL CHECK (version >= 0),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE reservation_lines (
  order_id  uuid NOT NULL REFERENCES reservations (order_id),
  sku       text NOT NULL,
  warehouse text NOT NULL,
  quantity  integer NOT NULL CHECK (quantity > 0),
  shipped   integer NOT NULL DEFAULT 0 CHECK (shipped BETWEEN 0 AND quantity),
  PRIMARY KEY (order_id, sku, warehouse)
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
