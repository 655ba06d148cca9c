-- Forget the hypothetical indexes of this session.
SELECT %s.hypopg_reset()
