DELETE FROM pg2une_schema
