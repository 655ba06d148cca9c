-- What keeps the configuration of a copy from being in force, in one line; NULL: nothing.
SELECT pg_catalog.string_agg(w.what, '; ')
  FROM (SELECT name || ': ' || error AS what FROM pg_catalog.pg_file_settings
         WHERE error IS NOT NULL
           AND name NOT IN (SELECT name FROM pg_catalog.pg_settings WHERE pending_restart)
        UNION ALL
        SELECT name || ' waits for a restart' FROM pg_catalog.pg_settings
         WHERE pending_restart) w
