-- Remove the setting of a role.
ALTER ROLE {role} RESET {name}
