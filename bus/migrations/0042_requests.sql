-- Requests that caused jobs, so that a timeline begins where the caller did. Routes are patterns (`/store/orders/:id`):
-- no ids and no personal data. Written in groups after the answer, so a killed node may lose the last moment of it.
CREATE TABLE bus.request (
  trace_id text        NOT NULL,
  at       timestamptz NOT NULL,
  store_id text,
  node     text        NOT NULL,
  method   text        NOT NULL,
  route    text        NOT NULL,
  status   smallint    NOT NULL,
  took_ms  real        NOT NULL
) PARTITION BY RANGE (at);
CREATE TABLE bus.request_default PARTITION OF bus.request DEFAULT;
CREATE INDEX request_trace ON bus.request (trace_id);
