-- One setting of a role, for new sessions.
ALTER ROLE {role} SET {name} = {value}
