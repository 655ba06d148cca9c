-- Where the server's files are, and how much there is to copy.
SELECT pg_catalog.current_setting('data_directory') AS data,
       pg_catalog.current_setting('config_file') AS config,
       pg_catalog.current_setting('hba_file') AS hba,
       pg_catalog.current_setting('ident_file') AS ident,
       (SELECT pg_catalog.sum(pg_catalog.pg_database_size(d.oid))::pg_catalog.float8
          FROM pg_catalog.pg_database d) AS bytes,
       pg_catalog.set_config('statement_timeout', '0', false) AS no_timeout
