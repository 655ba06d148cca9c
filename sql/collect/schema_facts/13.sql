-- Facts of the server that any role may read.
-- columns: database,invalid_constraints,superusers,login_roles,archive_failed,archive_done,
--   archive_fail_age_s,archive_done_age_s,prepared_oldest_s,db_xid_age,db_mxid_age,public_create
-- cadence: demand
SELECT /*pg2une*/ current_database() AS database,
       (SELECT count(*) FROM pg_catalog.pg_constraint k WHERE NOT k.convalidated) AS invalid_constraints,
       (SELECT count(*) FROM pg_catalog.pg_roles r WHERE r.rolsuper AND r.rolcanlogin) AS superusers,
       (SELECT count(*) FROM pg_catalog.pg_roles r WHERE r.rolcanlogin) AS login_roles,
       a.failed_count AS archive_failed, a.archived_count AS archive_done,
       date_part('epoch', now() - a.last_failed_time) AS archive_fail_age_s,
       date_part('epoch', now() - a.last_archived_time) AS archive_done_age_s,
       (SELECT max(date_part('epoch', now() - p.prepared)) FROM pg_catalog.pg_prepared_xacts p)
           AS prepared_oldest_s,
       (SELECT max(age(d.datfrozenxid)) FROM pg_catalog.pg_database d) AS db_xid_age,
       (SELECT max(mxid_age(d.datminmxid)) FROM pg_catalog.pg_database d) AS db_mxid_age,
       COALESCE((SELECT EXISTS (SELECT FROM aclexplode(n.nspacl) x
                          WHERE x.grantee = 0 AND x.privilege_type = 'CREATE')
                   FROM pg_catalog.pg_namespace n WHERE n.nspname = 'public'), false) AS public_create
  FROM pg_catalog.pg_stat_archiver a
