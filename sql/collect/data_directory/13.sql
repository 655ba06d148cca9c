-- Where the data is.
-- columns: data_directory
-- privilege: pg_read_all_settings
-- cadence: demand
SELECT /*pg2une*/ current_setting('data_directory') AS data_directory
