"""A lab's Patroni cluster as an administrator sees it."""
import base64
import json
import os
import urllib.request


class Cluster:
    """The lab, and its dynamic configuration."""

    def __init__(self, lab):
        self.lab = lab
        self.url = lab.env["PGT_PATRONI_URL"]
        self.urls = f"{self.url},{lab.env['PGT_PATRONI_STANDBY_URL']}"

    def rest(self, path, body=None, method="GET", url=None):
        token = base64.b64encode(f"{self.lab.env['PGT_PATRONI_USER']}:"
                                 f"{self.lab.env['PGT_PATRONI_PASSWORD']}".encode()).decode()
        req = urllib.request.Request((url or self.url) + path, method=method, headers={
            "Authorization": f"Basic {token}", "Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(req, timeout=60) as r:
            text = r.read().decode()
        return json.loads(text) if text.startswith(("{", "[")) else text

    def parameters(self):
        """As the store holds them: GET answers what this member saw in its last round."""
        now = self.rest("/config", {"reads": None}, "PATCH", self.any())
        return now["postgresql"].get("parameters") or {}

    def remembered(self, url):
        return self.rest("/config", url=url)["postgresql"].get("parameters") or {}

    def any(self):
        for url in self.urls.split(","):
            try:
                urllib.request.urlopen(url + "/liveness", timeout=5).close()
                return url
            except OSError:
                continue
        raise AssertionError("no member answers")

    def patch(self, **params):
        self.rest("/config", {"postgresql": {"parameters": params}}, "PATCH", self.any())

    def seen(self, role="primary"):
        rows = self.lab.sql("SELECT name, reset_val FROM pg_settings WHERE name = ANY(%s)",
                            ["work_mem", "random_page_cost", "jit_above_cost"], role=role)
        return dict(rows)

    def auto_conf(self, role="primary"):
        return dict(self.lab.sql(
            "SELECT name, setting FROM pg_file_settings "
            "WHERE sourcefile LIKE '%%/postgresql.auto.conf'", role=role))


def flags(cluster, home, url=None):
    path = f"{home}/patroni-secret"
    with open(path, "w") as f:
        f.write(cluster.lab.env["PGT_PATRONI_PASSWORD"] + "\n")
    os.chmod(path, 0o600)
    return ["--patroni", url or cluster.url, "--patroni-user", cluster.lab.env["PGT_PATRONI_USER"],
            "--patroni-password-file", path]
