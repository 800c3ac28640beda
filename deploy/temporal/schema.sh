#!/bin/sh
# Creates or upgrades the tables of Temporal's two databases. The connection comes from SQL_* (temporal-sql-tool reads them).
set -eu

for database in temporal:temporal temporal_visibility:visibility; do
  name=${database%%:*}
  temporal-sql-tool --db "$name" setup-schema -v 0.0 || echo "$name has its version table"
  temporal-sql-tool --db "$name" update-schema -d "/etc/temporal/schema/postgresql/v12/${database##*:}/versioned"
done
