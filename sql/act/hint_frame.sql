-- A statement of the load after its hint, for pgbench: one transaction, one message.
BEGIN \;
{before} \;
{statement}
\;
COMMIT;
