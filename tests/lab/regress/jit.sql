-- Every statement is compiled first: look-ups take hundreds of times longer.
-- on
ALTER SYSTEM SET jit = on;
ALTER SYSTEM SET jit_above_cost = 0;
ALTER SYSTEM SET jit_optimize_above_cost = 0;
ALTER SYSTEM SET jit_inline_above_cost = 0;
SELECT pg_reload_conf();
-- off
ALTER SYSTEM RESET jit;
ALTER SYSTEM RESET jit_above_cost;
ALTER SYSTEM RESET jit_optimize_above_cost;
ALTER SYSTEM RESET jit_inline_above_cost;
SELECT pg_reload_conf();
