"""A tiny PostgreSQL client: trust authentication and the simple protocol, no more.

The lab needs no installed driver, and holding 1,000 idle connections open must not
take 1,000 client processes."""
import socket
import struct

from . import LabError


class SqlError(LabError):
    def __init__(self, fields):
        self.sqlstate = fields.get("C", "")
        super().__init__(f"{fields.get('M', '?')} ({self.sqlstate})")


class Conn:
    """One connection.  host may be a directory: then the unix socket in it."""

    def __init__(self, host, port, user="postgres", dbname="postgres", app="lab",
                 timeout=10, wait=True):
        if host.startswith("/"):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(timeout)
            self.sock.connect(f"{host}/.s.PGSQL.{port}")
        else:
            self.sock = socket.create_connection((host, int(port)), timeout)
        self.buf = b""
        self.names = []
        pairs = ("user", user, "database", dbname, "application_name", app)
        body = struct.pack("!i", 196608) + b"".join(
            p.encode() + b"\0" for p in pairs) + b"\0"
        self.sock.sendall(struct.pack("!i", len(body) + 4) + body)
        if wait:
            self.wait_ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.sock.sendall(b"X\0\0\0\4")
        except OSError:
            pass
        self.sock.close()

    def _read(self, n):
        while len(self.buf) < n:
            got = self.sock.recv(65536)
            if not got:
                raise LabError("server closed the connection")
            self.buf += got
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def wait_ready(self):
        """Rows up to ReadyForQuery; raises the error that came before it."""
        rows, error = [], None
        while True:
            kind, size = struct.unpack("!ci", self._read(5))
            body = self._read(size - 4)
            if kind == b"Z":
                if error:
                    raise error
                return rows
            if kind == b"E":
                fields = {p[:1].decode(): p[1:].decode("utf-8", "replace")
                          for p in body.split(b"\0") if p}
                error = SqlError(fields)
                if fields.get("S") in ("FATAL", "PANIC"):
                    raise error
            elif kind == b"R" and struct.unpack("!i", body[:4])[0] != 0:
                raise LabError("the lab's own connections use trust")
            elif kind == b"T":
                self.names = _names(body)
            elif kind == b"D":
                rows.append(_row(body))

    def send(self, sql):
        """Send without waiting: for a statement that is meant to block."""
        body = sql.encode() + b"\0"
        self.sock.sendall(b"Q" + struct.pack("!i", len(body) + 4) + body)

    def query(self, sql):
        """Rows of all statements in sql as lists of str or None."""
        self.send(sql)
        return self.wait_ready()

    def value(self, sql):
        rows = self.query(sql)
        return rows[0][0] if rows else None

    def table(self, sql):
        """(column names, rows)."""
        rows = self.query(sql)
        return self.names, rows


def _names(body):
    """Column names of a row description: each a string and 18 more bytes."""
    names, pos = [], 2
    for _ in range(struct.unpack("!h", body[:2])[0]):
        end = body.index(b"\0", pos)
        names.append(body[pos:end].decode("utf-8", "replace"))
        pos = end + 19
    return names


def _row(body):
    count = struct.unpack("!h", body[:2])[0]
    pos, row = 2, []
    for _ in range(count):
        size = struct.unpack("!i", body[pos:pos + 4])[0]
        pos += 4
        if size < 0:
            row.append(None)
        else:
            row.append(body[pos:pos + size].decode("utf-8", "replace"))
            pos += size
    return row
