-- Remove the setting of a database.
ALTER DATABASE {database} RESET {name}
