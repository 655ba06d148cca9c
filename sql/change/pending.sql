-- What the next reload would change, whoever wrote it: the winning line of each
-- setting beside its present value, and settings whose line is gone.
SELECT COALESCE(s.name, f.name) AS name, f.setting AS text, s.reset_val, s.vartype, s.unit,
       s.context, s.source, f.sourcefile, f.sourceline
  FROM pg_catalog.pg_settings s
  FULL JOIN (SELECT DISTINCT ON (pg_catalog.lower(x.name)) x.name, x.setting, x.sourcefile,
                    x.sourceline
               FROM pg_catalog.pg_file_settings x
              WHERE x.name IS NOT NULL
              ORDER BY pg_catalog.lower(x.name), x.seqno DESC) f
    ON pg_catalog.lower(f.name) = pg_catalog.lower(s.name)
 WHERE (f.name IS NOT NULL AND s.name IS NOT NULL
        AND s.source IN ('default', 'configuration file'))
    OR (f.name IS NULL AND s.source = 'configuration file')
