-- Roles of every lab, run once in each major's template.
CREATE ROLE app LOGIN;
CREATE ROLE monitor LOGIN IN ROLE pg_monitor;
CREATE ROLE nobody_role LOGIN;
CREATE ROLE tuner LOGIN IN ROLE pg_monitor;
