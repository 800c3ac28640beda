#!/bin/bash
# Runs once, when the data folder is new: a database and a role per service, and Temporal's two.
# No role may connect to another's database.
set -euo pipefail

create() {
  local role=$1 password=$2
  shift 2
  psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set role="$role" --set password="$password" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SQL
  for database in "$@"; do
    psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
      --set role="$role" --set database="$database" <<'SQL'
CREATE DATABASE :"database" OWNER :"role";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
  done
}

create orders "$ORDERS_DATABASE_PASSWORD" orders
create inventory "$INVENTORY_DATABASE_PASSWORD" inventory
create payments "$PAYMENTS_DATABASE_PASSWORD" payments
create shipping "$SHIPPING_DATABASE_PASSWORD" shipping
create users "$USERS_DATABASE_PASSWORD" users
create temporal "$TEMPORAL_DATABASE_PASSWORD" temporal temporal_visibility
