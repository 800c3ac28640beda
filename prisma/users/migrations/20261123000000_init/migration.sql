CREATE TABLE users (
  id                  uuid PRIMARY KEY,
  email               text,
  name                text,
  password_hash       text,
  roles               text[] NOT NULL CHECK (roles <@ ARRAY['customer', 'operator', 'courier', 'admin']),
  spending_limit      bigint CHECK (spending_limit >= 0),
  disabled_at         timestamptz(3),
  erased_at           timestamptz(3),
  sessions_valid_from timestamptz(3) NOT NULL DEFAULT now(),
  event_version       integer NOT NULL DEFAULT 0,
  created_at          timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT users_erased_check CHECK (
    CASE WHEN erased_at IS NULL THEN email IS NOT NULL AND name IS NOT NULL AND password_hash IS NOT NULL
         ELSE email IS NULL AND name IS NULL AND password_hash IS NULL AND roles = '{}' END)
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE INDEX users_created_at_id_idx ON users (created_at DESC, id DESC);
CREATE INDEX users_admins_idx ON users (id) WHERE 'admin' = ANY (roles);

CREATE TABLE sessions (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users (id),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  revoked_at timestamptz(3)
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);

CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  expires_at timestamptz(3) NOT NULL,
  rotated_at timestamptz(3)
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expires_at_idx ON refresh_tokens (expires_at);
-- a family has one living token
CREATE UNIQUE INDEX refresh_tokens_living_key ON refresh_tokens (session_id) WHERE rotated_at IS NULL;

CREATE TABLE login_failures (
  account  text NOT NULL,
  address  text NOT NULL,
  failures integer NOT NULL CHECK (failures > 0),
  since    timestamptz(3) NOT NULL,
  PRIMARY KEY (account, address)
);
CREATE INDEX login_failures_since_idx ON login_failures (since);

CREATE TABLE api_keys (
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES users (id),
  name         text NOT NULL,
  secret_hash  bytea NOT NULL,
  scopes       text[] NOT NULL CHECK (cardinality(scopes) > 0),
  created_at   timestamptz(3) NOT NULL DEFAULT now(),
  expires_at   timestamptz(3) NOT NULL,
  last_used_at timestamptz(3),
  revoked_at   timestamptz(3)
);
CREATE UNIQUE INDEX api_keys_secret_hash_key ON api_keys (secret_hash);
CREATE INDEX api_keys_user_id_created_at_id_idx ON api_keys (user_id, created_at DESC, id DESC);

CREATE TABLE signing_keys (
  kid         text PRIMARY KEY,
  public_jwk  jsonb NOT NULL,
  private_jwk bytea NOT NULL,
  active_from timestamptz(3) NOT NULL
);
CREATE UNIQUE INDEX signing_keys_active_from_key ON signing_keys (active_from);

CREATE TABLE invitations (
  token_hash bytea PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users (id),
  expires_at timestamptz(3) NOT NULL,
  used_at    timestamptz(3)
);
CREATE INDEX invitations_user_id_idx ON invitations (user_id);

CREATE TABLE screenings (
  order_id    uuid PRIMARY KEY,
  customer_id uuid,
  amount      bigint NOT NULL DEFAULT 0 CHECK (amount >= 0),
  currency    text,
  status      text NOT NULL CHECK (status IN ('cleared', 'refused', 'released', 'spent')),
  code        text,
  created_at  timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT screenings_counted_check CHECK (
    status = 'released' OR (customer_id IS NOT NULL AND currency IS NOT NULL)),
  CONSTRAINT screenings_code_check CHECK ((status = 'refused') = (code IS NOT NULL))
);
CREATE INDEX screenings_customer_id_currency_created_at_idx ON screenings (customer_id, currency, created_at);

-- the consistency kit, the same in every service's database (platform/idempotency.ts, platform/events/)

CREATE TABLE idempotency_keys (
  caller      text NOT NULL,
  key         text NOT NULL,
  fingerprint text NOT NULL,
  token       uuid NOT NULL,
  lease_until timestamptz(3) NOT NULL,
  expires_at  timestamptz(3) NOT NULL,
  status      integer,
  body        jsonb,
  PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

CREATE TABLE outbox (
  id           bigserial PRIMARY KEY,
  event_id     uuid NOT NULL UNIQUE,
  aggregate_id text NOT NULL,
  version      integer NOT NULL CHECK (version > 0),
  shard        smallint NOT NULL,
  type         text NOT NULL,
  payload      jsonb NOT NULL,
  trace        text,
  attempts     integer NOT NULL DEFAULT 0,
  last_error   text,
  created_at   timestamptz(3) NOT NULL DEFAULT now(),
  published_at timestamptz(3),
  parked_at    timestamptz(3)
);
CREATE UNIQUE INDEX outbox_aggregate_version ON outbox (aggregate_id, version);
CREATE INDEX outbox_pending_idx ON outbox (shard, id) WHERE published_at IS NULL;
CREATE INDEX outbox_parked_idx ON outbox (aggregate_id) WHERE parked_at IS NOT NULL;

CREATE TABLE inbox (
  consumer    text NOT NULL,
  event_id    uuid NOT NULL,
  received_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);

CREATE TABLE inbox_positions (
  consumer     text NOT NULL,
  aggregate_id text NOT NULL,
  version      integer NOT NULL,
  PRIMARY KEY (consumer, aggregate_id)
);
