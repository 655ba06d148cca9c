-- One setting: what the catalogue says and what postgresql.auto.conf holds.
-- reset_val is the value without the SET of this session.  unparsed: a syntax error,
-- at which the server stops, so that postgresql.auto.conf is not among the lines at
-- all: its state is then unknown, not absent.  $1: the name
SELECT s.name, s.context, s.vartype, s.unit, s.min_val, s.max_val,
       pg_catalog.array_to_string(s.enumvals, E'\n') AS enumvals,
       s.reset_val, s.source, s.sourcefile, s.sourceline, s.pending_restart,
       CASE WHEN s.source = 'session' THEN s.reset_val
            ELSE pg_catalog.current_setting(s.name, true) END AS effective,
       (SELECT e.sourcefile || ':' || e.sourceline || ': ' || e.error
          FROM pg_catalog.pg_file_settings e
         WHERE e.name IS NULL AND e.error IS NOT NULL LIMIT 1) AS unparsed,
       f.setting AS file_text, f.seqno IS NOT NULL AS in_file, f.applied, f.error
  FROM (VALUES ($1::pg_catalog.text)) AS a(name)
  LEFT JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) = pg_catalog.lower(a.name)
  LEFT JOIN LATERAL (
       SELECT f.setting, f.seqno, f.applied, f.error
         FROM pg_catalog.pg_file_settings f
        WHERE pg_catalog.lower(f.name) = pg_catalog.lower(a.name)
          AND f.sourcefile ~ '/postgresql[.]auto[.]conf$'
        ORDER BY f.seqno DESC LIMIT 1) f ON true
