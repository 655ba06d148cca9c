-- Forget the hypothetical indexes of this session.
SELECT /*pg2une*/ %s.hypopg_reset()
