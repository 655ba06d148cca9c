-- How clients are let in: lines of pg_hba.conf by method; net is beyond loopback.
-- columns: trust,trust_net,md5,password,scram
-- privilege: superuser, or EXECUTE on pg_hba_file_rules()
-- cadence: demand
SELECT /*pg2une*/ count(*) FILTER (WHERE h.auth_method = 'trust') AS trust,
       count(*) FILTER (WHERE h.auth_method = 'trust' AND h.type <> 'local'
           AND COALESCE(h.address, '') NOT LIKE '127.%'
           AND COALESCE(h.address, '') NOT IN ('::1', 'localhost', 'samehost')) AS trust_net,
       count(*) FILTER (WHERE h.auth_method = 'md5') AS md5,
       count(*) FILTER (WHERE h.auth_method = 'password') AS password,
       count(*) FILTER (WHERE h.auth_method = 'scram-sha-256') AS scram
  FROM pg_catalog.pg_hba_file_rules h
 WHERE h.error IS NULL
