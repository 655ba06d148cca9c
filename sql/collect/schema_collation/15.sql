-- Databases and collations whose recorded library version is not the library's.
-- columns: mismatches
-- cadence: demand
SELECT /*pg2une*/ (SELECT count(*) FROM pg_catalog.pg_database d
                    WHERE d.datname = current_database() AND d.datcollversion IS NOT NULL
                      AND d.datcollversion IS DISTINCT FROM pg_database_collation_actual_version(d.oid))
     + (SELECT count(*) FROM pg_catalog.pg_collation l
         WHERE l.collversion IS NOT NULL AND l.collnamespace <> 11
           AND l.collversion IS DISTINCT FROM pg_collation_actual_version(l.oid)) AS mismatches
