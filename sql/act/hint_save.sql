-- What one hint sets is taken back before the next.
SAVEPOINT pg2une_hint
