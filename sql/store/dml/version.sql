SELECT version FROM pg2une_schema
