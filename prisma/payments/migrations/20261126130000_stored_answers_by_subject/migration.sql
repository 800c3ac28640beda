-- an erasure takes the reasons out of the stored answers to refunds: see services/payments/erase-customer.ts
CREATE INDEX idempotency_keys_body_id_idx ON idempotency_keys ((body->>'id'));
