-- Where mails to the merchant of a store go, such as that stock is low. No row: they are not sent.
CREATE TABLE notifications.merchant (
  store_id   text        PRIMARY KEY,
  email      text        NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);
