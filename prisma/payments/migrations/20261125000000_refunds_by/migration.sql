-- who gave money back by hand
ALTER TABLE refunds ADD COLUMN requested_by text;
