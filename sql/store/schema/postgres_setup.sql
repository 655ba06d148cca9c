-- Each session of the shared history: its own schema and nothing else.
CREATE SCHEMA IF NOT EXISTS pg2une;
SET search_path = pg2une
