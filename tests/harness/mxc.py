"""A coordinator that speaks mxc's HTTP API, with its awkward answers.

Statuses follow a script: each GET of a workload takes the next one, the last stays."""
import http.server
import json
import threading
import time
import uuid


class Coordinator:
    def __init__(self, token="tok", statuses=("pending", "starting", "running"),
                 create=None, stop=None, get=None, delay=0.0):
        self.token, self.statuses = token, list(statuses)
        self.create, self.stop, self.get, self.delay = create, stop, get, delay
        self.requests, self.bodies = [], []
        self.workloads = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, status, obj, raw=None):
                data = raw if raw is not None else json.dumps(obj).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except OSError:
                    pass

            def handle_any(self, method):
                n = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(n)
                outer.requests.append((method, self.path))
                outer.bodies.append(body)
                time.sleep(outer.delay)
                if self.headers.get("Authorization") != f"Bearer {outer.token}":
                    self.reply(401, {"error": "Invalid or missing API token"})
                    return
                outer.answer(self, method, body)

            def do_GET(self):
                self.handle_any("GET")

            def do_POST(self):
                self.handle_any("POST")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, h, method, body):
        parts = h.path.strip("/").split("/")
        if method == "POST" and h.path == "/api/workloads":
            if self.create:
                h.reply(*self.create)
                return
            asked = json.loads(body)
            w = {"id": str(uuid.uuid4()), "type": asked["type"], "status": "pending",
                 "command": asked["command"], "args": [], "env": {},
                 "cpu_required": asked.get("cpu", 1),
                 "memory_required": asked.get("memory_mb", 256),
                 "constraints": {"microvm": "true"}, "error": None, "ip": None,
                 "node_id": None, "started_at": None, "stopped_at": None,
                 "inserted_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
            self.workloads[w["id"]] = w
            h.reply(201, {"data": w})
            return
        w = self.workloads.get(parts[2]) if len(parts) > 2 else None
        if w is None:
            h.reply(404, {"error": "Workload not found"})
        elif method == "GET":
            if self.get:
                h.reply(*self.get)
                return
            if w["status"] not in ("stopping", "stopped"):
                w["status"] = self.statuses.pop(0) if len(self.statuses) > 1 \
                    else self.statuses[0]
            elif w["status"] == "stopping":
                w["status"] = "stopped"
            h.reply(200, {"data": w})
        elif parts[-1] == "stop":
            if self.stop and self.stop.pop(0) == "refuse":
                h.reply(422, {"error": "Workload is not in a stoppable state"})
                return
            w["status"] = "stopping"
            h.reply(200, {"data": w})
        else:
            h.reply(404, {"errors": {"detail": "Not Found"}})
