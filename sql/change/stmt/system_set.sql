-- One setting of this node, in postgresql.auto.conf.
ALTER SYSTEM SET {name} = {value}
