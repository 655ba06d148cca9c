-- What is analysed may write or wait: neither is let happen.
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY
