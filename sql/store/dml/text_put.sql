-- Keep a query's text, once.
INSERT INTO query_text (queryid, query) VALUES ($1, $2)
ON CONFLICT (queryid) DO NOTHING
