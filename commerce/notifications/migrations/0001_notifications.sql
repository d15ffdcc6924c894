CREATE SCHEMA notifications;

-- One row per mail: claimed before it is sent, so that two runs of one job send one mail. sending → sent | refused; a
-- claim whose lease ran out may be taken over.
CREATE TABLE notifications.mail (
  store_id    text        NOT NULL,
  event_id    text        NOT NULL,
  template    text        NOT NULL,
  recipient   text        NOT NULL,
  message_id  text        NOT NULL,
  status      text        NOT NULL DEFAULT 'sending' CHECK (status IN ('sending', 'sent', 'refused')),
  lease_until timestamptz NOT NULL,
  claims      integer     NOT NULL DEFAULT 1,
  claimed_at  timestamptz NOT NULL DEFAULT now(),
  settled_at  timestamptz,
  PRIMARY KEY (store_id, event_id, template, recipient)
);
