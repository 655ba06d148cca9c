-- The role that changes settings: no superuser, and only the settings named here.  Run as a
-- superuser, in the database postgres and in each database from which settings are changed.
-- Before PostgreSQL 15 only a superuser may ALTER SYSTEM: this script then says so.
-- Take out what it shall not touch; add what it shall.
DO $$
DECLARE
    parameter text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'pg2une_apply') THEN
        CREATE ROLE pg2une_apply LOGIN CONNECTION LIMIT 4;
    END IF;
    IF pg_catalog.current_setting('server_version_num')::int < 150000 THEN
        RAISE WARNING 'before PostgreSQL 15 only a superuser may change settings';
        RETURN;
    END IF;
    FOREACH parameter IN ARRAY ARRAY[
        'work_mem', 'hash_mem_multiplier', 'maintenance_work_mem', 'effective_cache_size',
        'random_page_cost', 'seq_page_cost', 'effective_io_concurrency',
        'default_statistics_target', 'jit', 'max_parallel_workers',
        'max_parallel_workers_per_gather', 'max_parallel_maintenance_workers',
        'checkpoint_timeout', 'checkpoint_completion_target', 'max_wal_size', 'min_wal_size',
        'wal_compression', 'bgwriter_delay', 'bgwriter_lru_maxpages', 'bgwriter_lru_multiplier',
        'autovacuum_naptime', 'autovacuum_vacuum_cost_delay', 'autovacuum_vacuum_cost_limit',
        'autovacuum_vacuum_scale_factor', 'autovacuum_analyze_scale_factor',
        'autovacuum_vacuum_insert_scale_factor', 'log_min_duration_statement',
        'track_io_timing', 'shared_buffers', 'wal_buffers', 'max_worker_processes',
        'max_connections', 'huge_pages'] LOOP
        EXECUTE pg_catalog.format('GRANT ALTER SYSTEM ON PARAMETER %I TO pg2une_apply', parameter);
    END LOOP;
END $$;
GRANT pg_monitor TO pg2une_apply;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_reload_conf() TO pg2une_apply;
GRANT SELECT ON pg_catalog.pg_file_settings TO pg2une_apply;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings() TO pg2une_apply;
