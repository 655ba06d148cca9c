-- The row of a node.
SELECT id FROM node WHERE node_id = $1
