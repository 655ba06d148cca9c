-- Plan without looking at values: there are none.
SET plan_cache_mode = force_generic_plan
