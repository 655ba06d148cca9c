SELECT id FROM node WHERE node_id = $1
