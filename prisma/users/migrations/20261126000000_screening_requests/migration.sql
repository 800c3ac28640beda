-- an order may be counted anew, by a further request: of those that were cleared the last one counts
ALTER TABLE screenings
  ADD COLUMN request integer NOT NULL DEFAULT 1 CHECK (request >= 1),
  DROP CONSTRAINT screenings_pkey,
  ADD PRIMARY KEY (order_id, request);
