-- One setting of a role in one database.
ALTER ROLE {role} IN DATABASE {database} SET {name} = {value}
