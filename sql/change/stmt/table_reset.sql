-- Remove a storage parameter.
ALTER TABLE {schema}.{table} RESET ({name})
