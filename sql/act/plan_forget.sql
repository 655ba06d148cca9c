-- Forget the prepared statement.
DEALLOCATE /*pg2une*/ pg2une_plan
