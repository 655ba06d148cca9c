-- The schema's version.
SELECT version FROM pg2une_schema
