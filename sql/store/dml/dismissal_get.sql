-- What somebody dismissed on a node.
SELECT identity, until_ms, evidence, state FROM dismissals WHERE node = $1
