-- A storage parameter; "toast.x" is x of the TOAST table.
-- $1 schema, $2 table, $3 parameter
SELECT t.oid IS NOT NULL AS known, t.relkind, t.owner, o.text IS NOT NULL AS present, o.text
  FROM (VALUES (1)) AS one(x)
  LEFT JOIN LATERAL (
       SELECT c.oid, c.relkind, pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owner,
              CASE WHEN $3::pg_catalog.text ~* '^toast[.]'
                   THEN (SELECT x.reloptions FROM pg_catalog.pg_class x
                          WHERE x.oid = c.reltoastrelid)
                   ELSE c.reloptions END AS options
         FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1::pg_catalog.text AND c.relname = $2::pg_catalog.text) t ON true
  LEFT JOIN LATERAL (
       SELECT pg_catalog.substr(u, pg_catalog.strpos(u, '=') + 1) AS text
         FROM pg_catalog.unnest(t.options) u
        WHERE pg_catalog.lower(pg_catalog.split_part(u, '=', 1))
              = pg_catalog.lower(pg_catalog.regexp_replace($3::pg_catalog.text, '^toast[.]', '', 'i'))
       ) o ON true
