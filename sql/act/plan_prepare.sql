-- Followed by a statement whose parameters have no values yet.
PREPARE /*pg2une*/ pg2une_plan AS 
