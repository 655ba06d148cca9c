-- Numbers of pg_stat_statements 1.10 without texts, only of entries that changed:
-- $1 is what the client knows: of each entry its key and calls, mixed into one number
-- (two entries that meet by chance, one in 2^40, hide a change until the next one).
-- Reading all 5,000 entries costs 8 ms and sending 20 columns of each another 17.  NOT IN
-- is hashed whatever the planner believes; an anti-join of two arrays of known length
-- becomes a merge, whose sort of whole rows costs 30.
-- columns: queryid,userid,dbid,toplevel,calls,total_ms,stddev_ms,rows,hit,read,dirtied,written,
--   temp_read,temp_written,io_ms,wal_bytes,plan_ms,plans,jit_ms,since_us,max_ms,is_full,me
-- extension: pg_stat_statements 1.10
-- cadence: tick
SELECT /*pg2une*/ s.queryid, s.userid, s.dbid, s.toplevel, s.calls,
       s.total_exec_time AS total_ms, s.stddev_exec_time AS stddev_ms, s.rows,
       s.shared_blks_hit AS hit, s.shared_blks_read AS read,
       s.shared_blks_dirtied AS dirtied, s.shared_blks_written AS written,
       s.temp_blks_read AS temp_read, s.temp_blks_written AS temp_written,
       s.blk_read_time + s.blk_write_time + s.temp_blk_read_time + s.temp_blk_write_time AS io_ms,
       s.wal_bytes, s.total_plan_time AS plan_ms, s.plans,
       s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time
           + s.jit_emission_time AS jit_ms,
       NULL::pg_catalog.int8 AS since_us,
       s.max_exec_time AS max_ms,
       pg_catalog.cardinality($1::pg_catalog.int8[]) = 0 AS is_full,
       (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER) AS me
  FROM @ext@.pg_stat_statements(false) s
 WHERE s.queryid IS NOT NULL
   AND (s.queryid # (s.userid::pg_catalog.int8 << 32) # s.dbid::pg_catalog.int8 # CASE WHEN s.toplevel THEN 0 ELSE 4611686018427387904 END
        # (s.calls & 16777215) * 339767778495 # (s.calls >> 24 << 1))
       NOT IN (SELECT p.k FROM pg_catalog.unnest($1::pg_catalog.int8[]) p(k))
