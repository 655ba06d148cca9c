-- Also what failed: the transaction goes on.
ROLLBACK TO SAVEPOINT pg2une_hint
