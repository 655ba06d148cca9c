-- Forget the prepared statement.
DEALLOCATE pg2une_plan
