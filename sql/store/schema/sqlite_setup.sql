-- Each session of the history file: readers never block the writer, and a crash
-- loses at most the last batches, never the file.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 400;
-- kB: the kernel's cache is behind it; the default lets it grow to 2 MB within hours
PRAGMA cache_size = -400
