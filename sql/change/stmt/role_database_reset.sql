-- Remove the setting of a role in one database.
ALTER ROLE {role} IN DATABASE {database} RESET {name}
