-- Where the schema's version is kept.
CREATE TABLE IF NOT EXISTS pg2une_schema (version integer NOT NULL)
