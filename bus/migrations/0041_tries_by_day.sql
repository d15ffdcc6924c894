-- Tries get a partition a day, as the jobs that they belong to: both go by the dropping of a table.
ALTER TABLE bus.job_try RENAME TO job_try_before;
ALTER TABLE bus.job_try_before RENAME CONSTRAINT job_try_pkey TO job_try_before_pkey;
CREATE TABLE bus.job_try (
  LIKE bus.job_try_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
  PRIMARY KEY (job_id, attempt, run)
) PARTITION BY RANGE (job_id);
CREATE TABLE bus.job_try_default PARTITION OF bus.job_try DEFAULT;
INSERT INTO bus.job_try SELECT * FROM bus.job_try_before;
DROP TABLE bus.job_try_before;
