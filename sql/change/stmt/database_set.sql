-- One setting of a database, for new sessions.
ALTER DATABASE {database} SET {name} = {value}
