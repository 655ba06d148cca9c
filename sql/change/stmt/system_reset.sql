-- Remove the line from postgresql.auto.conf.
ALTER SYSTEM RESET {name}
