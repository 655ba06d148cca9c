-- The last statement of each batch: its start, less the start of the first, is what the
-- server spent on the batch by its own clock, planning and sending included.
-- columns: mark_us
-- cadence: tick
SELECT /*pg2une*/ (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8 AS mark_us
