"""Staged defects for the advisors: what is built, what load shows it, what must be found,
and how the gain of mending it is measured.  tests/pg/test_advise_defects.py sees that each
is found; tests/bench/advice applies what is recommended and measures."""
import collections
import time

ROWS = 40000
# name, setup, load, want: the identity (a regular expression);
# gain: what is measured before and after (tests/bench/advice), None for what is no
# performance defect; major; hand: SQL that a person runs where nothing can be applied
Defect = collections.namedtuple("Defect", "name setup load want gain major hand args",
                                defaults=(None, 15, None, ()))

ITEMS = (f"CREATE TABLE items AS SELECT i AS id, i % 2000 AS tag, i % 10 AS kind, "
         f"now() - i * interval '1 s' AS at, repeat('x', 60) AS body, "
         f"CASE WHEN i % 100 = 0 THEN now() END AS gone, ARRAY[i % 500, i % 77] AS tags, "
         f"jsonb_build_object('k', i % 2000) AS doc, 'User' || i AS name "
         f"FROM generate_series(1, {ROWS}) i")
# What each major calls the counters of checkpoints and WAL.
RESET_SHARED = """DO $$ DECLARE t text; BEGIN
    FOREACH t IN ARRAY '{bgwriter,checkpointer,wal}'::text[] LOOP
    BEGIN PERFORM pg_stat_reset_shared(t); EXCEPTION WHEN invalid_parameter_value THEN END;
    END LOOP; END $$"""
RELOAD = "SELECT pg_reload_conf()"
JIT = ["ALTER SYSTEM SET jit_above_cost = 10"]
# A backend tells what it counted once a second at most: the sleep makes it tell.
WAL = ["CREATE TABLE w AS SELECT i, repeat('z', 500) FROM generate_series(1, 150000) i",
       "DROP TABLE w"]


def runs(sql, n=20):
    return lambda turn: [sql] * n


def deletes(turn):
    return [f"DELETE FROM files WHERE id = {i}" for i in range(20 + 20 * turn, 40 + 20 * turn)]


def inserts(turn):
    return ["INSERT INTO items (id, tag, kind, at) SELECT i, i % 2000, i % 10, now() "
            f"FROM generate_series({1 + 900 * turn}, {900 + 900 * turn}) i"]


DEFECTS = [Defect(*d) for d in [
    ("missing index, equality", [ITEMS, "ANALYZE"],
     runs("SELECT body FROM items WHERE tag = 5"), r"index:public\.items\(tag\)", "time"),
    ("missing index, order and limit", [ITEMS, "ANALYZE"],
     runs("SELECT * FROM items WHERE tag = 5 ORDER BY at DESC LIMIT 3"),
     r"index:public\.items\(tag, at\)", "time"),
    ("missing index, two columns", [ITEMS, "ANALYZE"],
     runs("SELECT body FROM items WHERE kind = 5 AND tag = 75"), r"index:public\.items\(tag",
     "time"),
    ("missing index of an update", [ITEMS, "ANALYZE"],
     runs("UPDATE items SET kind = kind WHERE name = 'User77'"),
     r"index:public\.items\(name\)", "time"),
    ("missing partial index", [ITEMS.replace("i % 100 = 0", "i % 100 <> 0"), "ANALYZE"],
     runs("SELECT id FROM items WHERE gone IS NULL ORDER BY at LIMIT 5"),
     r"index:public\.items.* WHERE gone IS NULL", "time"),
    ("missing GIN index of jsonb", [ITEMS, "ANALYZE"],
     runs("""SELECT id FROM items WHERE doc @> '{"k": 7}'"""), r"index:public\.itemsgin\(doc\)",
     "time"),
    ("missing GIN index of an array", [ITEMS, "ANALYZE"],
     runs("SELECT id FROM items WHERE tags @> ARRAY[7, 8]"), r"index:public\.itemsgin\(tags\)",
     "time"),
    ("missing index of lower()", [ITEMS, "ANALYZE"],
     runs("SELECT id FROM items WHERE lower(name) = 'user7'"),
     r"index:public\.items\(lower\(name\)\)", "time"),
    ("missing index of a join", [ITEMS, "CREATE TABLE tags AS SELECT i AS id FROM "
     "generate_series(1, 2000) i", "ALTER TABLE tags ADD PRIMARY KEY (id)", "ANALYZE"],
     runs("SELECT count(*) FROM tags t JOIN items i ON i.tag = t.id WHERE t.id = 7"),
     r"index:public\.items\(tag\)", "time"),
    ("missing index of a partitioned table",
     ["CREATE TABLE parts (id int, tag int, at date, body text) PARTITION BY RANGE (id)"] +
     [f"CREATE TABLE parts{i} PARTITION OF parts FOR VALUES FROM ({i * 10000}) TO "
      f"({i * 10000 + 10000})" for i in range(4)] +
     [f"INSERT INTO parts SELECT i, i % 2000, now(), repeat('x', 80) FROM "
      f"generate_series(0, {ROWS - 1}) i", "ANALYZE"],
     runs("SELECT body FROM parts WHERE tag = 5"), r"index:public\.parts\(tag\)", "time", 15,
     ["CREATE INDEX ON parts (tag)"]),
    ("unindexed foreign key", [ITEMS, "CREATE TABLE files (id int PRIMARY KEY)",
     "INSERT INTO files SELECT generate_series(0, 2000)",
     "ALTER TABLE items ADD FOREIGN KEY (tag) REFERENCES files ON DELETE CASCADE", "ANALYZE"],
     deletes, r"index:public\.items\(tag\)", "time"),
    ("duplicate index", [ITEMS, "CREATE INDEX a ON items (tag)", "CREATE INDEX b ON items (tag)",
     "ANALYZE"], inserts, r"index_drop:public\.b", "index_writes"),
    ("redundant index", [ITEMS, "CREATE INDEX a ON items (tag)",
     "CREATE INDEX b ON items (tag, kind)", "ANALYZE"], inserts, r"index_drop:public\.a",
     "index_writes"),
    ("invalid index", [ITEMS, "UPDATE items SET id = 1 WHERE id < 3",
     ("fails", "CREATE UNIQUE INDEX CONCURRENTLY u ON items (id)"), "ANALYZE"], runs("", 0),
     r"index_drop:public\.u"),
    ("bloated index", ["CREATE TABLE big (id int, n int)",
     "INSERT INTO big SELECT i, 0 FROM generate_series(1, 700000) i",
     "CREATE INDEX big_id ON big (id)", "DELETE FROM big WHERE id % 10 <> 0",
     "VACUUM (ANALYZE) big"], runs("", 0), r"index_reindex:public\.big_id", "size big_id"),
    ("bloated table", ["CREATE TABLE fat WITH (autovacuum_enabled = off) AS "
     "SELECT i AS id, repeat('y', 900) AS t FROM generate_series(1, 60000) i",
     "DELETE FROM fat WHERE id % 5 <> 0", "VACUUM (ANALYZE) fat"], runs("", 0),
     r"vacuum:bloat:public\.fat", "size fat", 15, ["VACUUM FULL fat"]),
    ("dead rows", [ITEMS, "ALTER TABLE items SET (autovacuum_enabled = off)",
     "UPDATE items SET kind = 1", "ANALYZE"], runs("", 0), r"vacuum:dead:public\.items",
     "dead items", 15, ["VACUUM (ANALYZE) items"]),
    ("autovacuum off for a table", [ITEMS, "ALTER TABLE items SET (autovacuum_enabled = off)",
     "ANALYZE"], runs("", 0), r"vacuum:disabled:public\.items"),
    ("missing statistics", [ITEMS, "ALTER TABLE items SET (autovacuum_enabled = off)"],
     runs("", 0), r"vacuum:analyze:public\.items"),
    ("work_mem spills", [ITEMS, "ANALYZE"],
     runs(f"SELECT * FROM (SELECT * FROM items ORDER BY name OFFSET {ROWS - 1}) x", 12),
     r"setting:work_mem", "temp"),
    ("checkpoint storm", ["ALTER SYSTEM SET max_wal_size = '32MB'",
     "ALTER SYSTEM SET min_wal_size = '32MB'", RELOAD,
     RESET_SHARED, ITEMS],
     lambda turn: WAL * 2 + ["SELECT pg_sleep(1.1)"], r"setting:max_wal_size", "checkpoints"),
    # of less than 100 ms in all the rule does not speak: about 10 ms each
    ("JIT of short statements", [ITEMS, "ALTER TABLE items ADD PRIMARY KEY (id)", "ANALYZE"] + JIT
     + [RELOAD],
     runs("SELECT kind, sum(id * 2 + tag), count(*) FILTER (WHERE tag > 3), avg(length(name)) "
          "FROM items WHERE id < 3000 GROUP BY kind ORDER BY 2", 40),
     r"setting:jit", "time"),
    ("planner method off", [ITEMS, "ALTER TABLE items ADD PRIMARY KEY (id)", "ANALYZE",
     "ALTER SYSTEM SET enable_indexscan = off", "ALTER SYSTEM SET enable_bitmapscan = off",
     RELOAD], runs("SELECT body FROM items WHERE id = 77"),
     r"setting:enable_(indexscan|bitmapscan)", "time"),
    ("autovacuum off", ["ALTER SYSTEM SET autovacuum = off", RELOAD],
     runs("", 0), r"setting:autovacuum$"),
    ("full_page_writes off", ["ALTER SYSTEM SET full_page_writes = off",
     RELOAD], runs("", 0), r"setting:full_page_writes"),
    ("abandoned slot", ["SELECT pg_create_physical_replication_slot('left', true)",
     ITEMS, "INSERT INTO items SELECT * FROM items", "ANALYZE"], runs("", 0), r"slot:left"),
    ("sequence near its end", ["CREATE TABLE s (id serial PRIMARY KEY)",
     "SELECT setval('s_id_seq', 2000000000)"], runs("", 0), r"sequence:public\.s_id_seq"),
    ("MD5 passwords", ["SET password_encryption = 'md5'", "ALTER ROLE nobody_role PASSWORD 'x'"],
     runs("", 0), r"hygiene:md5"),
    ("correlated columns", ["CREATE TABLE cars AS SELECT i % 200 AS make, i % 200 * 3 AS model, "
     "i AS id, repeat('c', 40) AS t FROM generate_series(1, 60000) i",
     "CREATE INDEX ON cars (make, model)", "ANALYZE"],
     runs("SELECT t FROM cars WHERE make = 7 AND model = 21"), r"statistics:public\.cars",
     "estimate"),
    ("oversized pool", [("hold", 60)], runs("", 0), r"pooler:oversized:"),
    ("N+1 look-ups", [ITEMS, "ALTER TABLE items ADD PRIMARY KEY (id)", "ANALYZE"],
     lambda turn: ["BEGIN"] + [f"SELECT body FROM items WHERE id = {i}" for i in range(1500)]
     + ["COMMIT"], r"query:n\+1:"),
]]

TIDY = ["ALTER SYSTEM RESET ALL", RELOAD,
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots",
        "ALTER ROLE nobody_role PASSWORD NULL", "SELECT pg_stat_reset_shared('bgwriter')"]
SERVER = ["wal_buffers=16MB", "effective_cache_size=8GB", "random_page_cost=1.1",
          "shared_buffers=256MB", "checkpoint_timeout=15min"]


HELD = []   # sessions that a defect keeps open


def reload(cur):
    """Until this very session has read the configuration: a short load is over before."""
    cur.execute("SELECT pg_conf_load_time()")
    before, until = cur.fetchone(), time.monotonic() + 20
    cur.execute(RELOAD)
    while time.monotonic() < until:
        cur.execute("SELECT pg_conf_load_time()")
        if cur.fetchone() != before:
            return
        time.sleep(0.005)
    raise AssertionError("the configuration was not read again")


def do(cur, step):
    if isinstance(step, tuple) and step[0] == "hold":
        import psycopg2
        HELD.extend(psycopg2.connect(cur.connection.dsn) for _ in range(step[1]))
        return
    if step == RELOAD:
        reload(cur)
        return
    if not isinstance(step, tuple):
        cur.execute(step)
        return
    try:
        cur.execute(step[1])
    except Exception:
        return
    raise AssertionError(f"did not fail: {step[1]}")


def stage(cur, defect):
    """Build it in the database of cur."""
    cur.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    cur.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'")
    if cur.fetchone()[0]:
        cur.execute("CREATE EXTENSION hypopg")
    for step in defect.setup:
        do(cur, step)
    flush(cur)


def flush(cur):
    if cur.connection.server_version >= 150000:
        cur.execute("SELECT pg_stat_force_next_flush()")
    cur.execute("SELECT 1")


def load(cur, defect, turn=0):
    for step in defect.load(turn):
        do(cur, step)
    flush(cur)


def tidy(cur):
    while HELD:
        HELD.pop().close()
    for step in TIDY:
        cur.execute(step)
