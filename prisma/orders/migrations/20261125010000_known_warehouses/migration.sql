-- warehouses that the inventory service has told of, and those that have sent parcels already
CREATE TABLE known_warehouses (
  code text PRIMARY KEY
);
INSERT INTO known_warehouses (code) SELECT DISTINCT warehouse FROM order_shipments;
