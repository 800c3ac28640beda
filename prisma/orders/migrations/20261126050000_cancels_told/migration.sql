-- whether an order's cancellation has been accepted, read with every order
CREATE INDEX timeline_entries_cancel_idx ON timeline_entries (order_id) WHERE kind = 'request' AND name = 'cancel';
