-- Roles that log in with an MD5 hash.
-- columns: md5_roles
-- privilege: superuser
-- cadence: demand
SELECT /*pg2une*/ count(*) AS md5_roles
  FROM pg_catalog.pg_authid a
 WHERE a.rolcanlogin AND a.rolpassword LIKE 'md5%'
