-- Make a node known; its name may change, its identity not.
INSERT INTO node (fingerprint, node_id, name) VALUES ($1, $2, $3)
ON CONFLICT (node_id) DO UPDATE SET name = coalesce(excluded.name, node.name)
