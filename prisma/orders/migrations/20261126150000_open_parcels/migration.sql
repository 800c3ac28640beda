-- the reconciliation looks for parcels under way whose workflow has ended
CREATE INDEX order_shipments_open_idx ON order_shipments (id) WHERE status NOT IN ('delivered', 'lost', 'cancelled');
