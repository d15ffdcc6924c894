-- A job about many products is found by each of them (bus/ledger.ts). Few jobs have such a list.
CREATE INDEX job_products ON bus.job USING gin ((payload -> 'productIds')) WHERE payload ? 'productIds';
