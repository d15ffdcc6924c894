-- A job about many orders is found by each of them (bus/ledger.ts), as one about many products is (0010).
-- small: partitioned tables know no CONCURRENTLY; no row of before has such a list, so it is one pass and no entry.
CREATE INDEX job_orders ON bus.job USING gin ((payload -> 'orderIds')) WHERE kind IN ('stock.commit', 'checkout.pay');
