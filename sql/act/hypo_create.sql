-- A hypothetical index of this session; $1 its definition.
SELECT /*pg2une*/ h.indexrelid, %s.hypopg_relation_size(h.indexrelid) FROM %s.hypopg_create_index($1) h
