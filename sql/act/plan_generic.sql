-- Plan without looking at values: there are none.
SET /*pg2une*/ plan_cache_mode = force_generic_plan
