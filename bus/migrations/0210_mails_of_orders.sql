-- A mail job about many orders is found by each of them (bus/ledger.ts), as those of 0200 are.
-- small: partitioned tables know no CONCURRENTLY; no row of before has such a list, so it is one pass and no entry.
CREATE INDEX job_mails ON bus.job USING gin ((payload -> 'orderIds')) WHERE kind = 'email.send' AND payload ? 'orderIds';
