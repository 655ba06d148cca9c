-- After a migration: what the schema is now.
INSERT INTO pg2une_schema (version) VALUES ($1)
