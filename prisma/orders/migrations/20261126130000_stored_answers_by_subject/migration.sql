-- whoever ends an erased customer's order takes out the stored answers that show it: see services/orders/forget-people.ts
CREATE INDEX idempotency_keys_body_id_idx ON idempotency_keys ((body->>'id'));
CREATE INDEX idempotency_keys_body_order_id_idx ON idempotency_keys ((body->>'orderId'));
