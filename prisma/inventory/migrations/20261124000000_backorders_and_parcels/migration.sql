-- a reservation has an id of its own: the order's, or that of the parcel which replaces one that was lost
ALTER TABLE reservations ADD COLUMN id uuid;
UPDATE reservations SET id = order_id;
ALTER TABLE reservation_lines DROP CONSTRAINT reservation_lines_order_id_fkey;
ALTER TABLE reservations ALTER COLUMN id SET NOT NULL, DROP CONSTRAINT reservations_pkey, ADD PRIMARY KEY (id);
CREATE INDEX reservations_order_id_idx ON reservations (order_id);
CREATE INDEX reservations_held_until_idx ON reservations (expires_at) WHERE status = 'held';

ALTER TABLE reservations DROP CONSTRAINT reservations_status_check;
ALTER TABLE reservations ADD CONSTRAINT reservations_status_check
  CHECK (status IN ('refused', 'backordered', 'held', 'committed', 'shipped', 'released', 'expired'));

ALTER TABLE reservation_lines RENAME COLUMN order_id TO reservation_id;
-- units of parcels that were given up: available again
ALTER TABLE reservation_lines ADD COLUMN released integer NOT NULL DEFAULT 0 CHECK (released >= 0);
ALTER TABLE reservation_lines DROP CONSTRAINT reservation_lines_check;
ALTER TABLE reservation_lines ADD CONSTRAINT reservation_lines_units
  CHECK (shipped >= 0 AND shipped + released <= quantity);
ALTER TABLE reservation_lines ADD FOREIGN KEY (reservation_id) REFERENCES reservations (id);

-- what each request was answered: a repeat is answered the same
CREATE TABLE reservation_requests (
  reservation_id uuid NOT NULL REFERENCES reservations (id),
  request        integer NOT NULL CHECK (request > 0),
  answer         jsonb NOT NULL,
  PRIMARY KEY (reservation_id, request)
);
INSERT INTO reservation_requests (reservation_id, request, answer)
SELECT id, 1, CASE status
  WHEN 'refused' THEN jsonb_build_object('outcome', 'out_of_stock', 'shortages', shortages)
  ELSE jsonb_build_object('outcome', 'held', 'allocations', (
    SELECT jsonb_agg(jsonb_build_object('warehouse', warehouse, 'lines', lines) ORDER BY warehouse COLLATE "C") FROM (
      SELECT warehouse, jsonb_agg(jsonb_build_object('sku', sku, 'quantity', quantity) ORDER BY sku COLLATE "C") AS lines
      FROM reservation_lines WHERE reservation_id = reservations.id GROUP BY warehouse) AS parcel))
  END
FROM reservations WHERE status IN ('refused', 'held', 'committed', 'shipped');
ALTER TABLE reservations DROP COLUMN shortages;

-- who waits for stock: the lowest position of a product is served first
CREATE TABLE backorders (
  reservation_id uuid PRIMARY KEY REFERENCES reservations (id),
  position       bigserial UNIQUE,
  -- the request whose answer changes when it is served
  request        integer NOT NULL
);
CREATE TABLE backorder_lines (
  reservation_id uuid NOT NULL REFERENCES backorders (reservation_id) ON DELETE CASCADE,
  sku            text NOT NULL,
  quantity       integer NOT NULL CHECK (quantity > 0),
  position       bigint NOT NULL,
  -- whether the order waits for this product, rather than for others beside it
  waiting        boolean NOT NULL,
  PRIMARY KEY (reservation_id, sku)
);
CREATE INDEX backorder_lines_queue_idx ON backorder_lines (sku, position) WHERE waiting;

CREATE TABLE released_parcels (
  shipment_id    uuid PRIMARY KEY,
  reservation_id uuid NOT NULL REFERENCES reservations (id),
  created_at     timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE restocked_returns (
  return_id   uuid PRIMARY KEY,
  order_id    uuid NOT NULL,
  disposition text NOT NULL CHECK (disposition IN ('restock', 'write_off')),
  created_at  timestamptz(3) NOT NULL DEFAULT now()
);
-- a return brings a product in once, whatever else goes wrong
CREATE UNIQUE INDEX stock_movements_returned_once ON stock_movements (reference, sku, warehouse) WHERE kind = 'returned';
