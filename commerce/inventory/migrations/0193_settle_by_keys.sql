-- What a group of orders holds is found by its keys too (decision 183 tells why): with rows this dear, reading a table whole is no
-- bargain, whatever it was like when a session made its plans.
ALTER FUNCTION inventory.commit_group(text[], text[])
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET cpu_tuple_cost = 1 SET cpu_index_tuple_cost = 1
  SET jit = off;
ALTER FUNCTION inventory.release_lapsed_group(text[], text[], jsonb)
  SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET cpu_tuple_cost = 1 SET cpu_index_tuple_cost = 1
  SET jit = off;
