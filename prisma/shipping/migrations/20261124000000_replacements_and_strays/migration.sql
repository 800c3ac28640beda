ALTER TABLE shipments
  ADD COLUMN replaces         uuid REFERENCES shipments (id),
  ADD COLUMN astray_since     timestamptz(3) CHECK (astray_since IS NULL OR status = 'cancelled'),
  ADD COLUMN astray_listed_at timestamptz(3);
CREATE INDEX shipments_astray_idx ON shipments (astray_since) WHERE astray_since IS NOT NULL;
