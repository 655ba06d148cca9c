-- A storage parameter; SHARE UPDATE EXCLUSIVE lock for the ones that we take.
ALTER TABLE {schema}.{table} SET ({name} = {value})
