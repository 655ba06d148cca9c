INSERT INTO pg2une_schema (version) VALUES ($1)
