-- Whatever it did is undone.
ROLLBACK
