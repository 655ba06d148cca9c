"""A real terminal without a screen: a tmux server of its own, with one pane."""
import os
import re
import shutil
import subprocess
import tempfile
import time

from . import clean_env

CONF = """\
set -g default-terminal "{term}"
set -g status off
set -g remain-on-exit on
set -g escape-time 0
set -g history-limit 2000
set -g focus-events on
set -g mouse off
"""


class Tmux:
    """Run argv in a pane of cols x rows.  env is its whole environment.

    Every wait polls to a deadline.  Box glyphs depend on TERM: with tmux-256color, screen
    and linux they are Unicode, with xterm-256color inside tmux they come out as lqqk."""

    def __init__(self, argv, cols=100, rows=30, term="tmux-256color", env=None):
        self.dir = tempfile.mkdtemp(prefix="pg2une-tmux-")
        conf = f"{self.dir}/conf"
        with open(conf, "w") as f:
            f.write(CONF.format(term=term))
        # The server hands its own environment to the pane; TMUX would make it refuse.
        self.env = {k: v for k, v in (env if env is not None else clean_env()).items()
                    if not k.startswith("TMUX")}
        # The terminal tmux itself would draw on; there is none, but it wants a name.
        self.env["TERM"] = "xterm-256color"
        try:
            self._tmux("-f", conf, "new-session", "-d", "-x", cols, "-y", rows, "--", *argv)
            self.pid = int(self.show("pane_pid"))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _tmux(self, *args, check=True):
        p = subprocess.run(["tmux", "-u", "-S", f"{self.dir}/s", *map(str, args)],
                           env=self.env, capture_output=True, text=True,
                           errors="replace", stdin=subprocess.DEVNULL, timeout=20)
        if check and p.returncode != 0:
            raise RuntimeError(f"tmux {args[0]}: {p.stderr.strip()}")
        return p.stdout

    def close(self):
        self._tmux("kill-server", check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def show(self, what):
        """A tmux format, as show("pane_pid"), show("cursor_x"), show("alternate_on")."""
        return self._tmux("display-message", "-p", f"#{{{what}}}").rstrip("\n")

    def keys(self, *names):
        """Keys by tmux name: "q", "Enter", "Escape", "C-l", "F1", "PPage", "BTab"."""
        self._tmux("send-keys", *names)

    def type(self, text):
        """Literal text, where a word like Enter is five letters."""
        self._tmux("send-keys", "-l", "--", text)

    def raw(self, data):
        """Bytes as they are: an escape sequence, a mouse report, invalid UTF-8."""
        self._tmux("send-keys", "-H", *[f"{b:02x}" for b in data])

    def screen(self, colours=False):
        """The pane's text, one line a row; with colours, its escape sequences too."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def lines(self):
        return self.screen().split("\n")[:-1]

    def resize(self, cols, rows):
        self._tmux("resize-window", "-x", cols, "-y", rows)

    def size(self):
        return int(self.show("pane_width")), int(self.show("pane_height"))

    def wait(self, test, deadline=10, what="condition"):
        """Poll until test(screen) is true; the screen then."""
        end = time.monotonic() + deadline
        while True:
            text = self.screen()
            if test(text):
                return text
            if time.monotonic() > end:
                raise AssertionError(f"{what} not within {deadline} s; the screen:\n{text}")
            time.sleep(0.02)

    def wait_for(self, pattern, deadline=10):
        """Until the regular expression is on the screen; the screen then."""
        return self.wait(lambda s: re.search(pattern, s), deadline, f"/{pattern}/")

    def wait_all(self, *patterns, deadline=10):
        """Until all of them are on the screen at once: a frame may be seen half drawn."""
        return self.wait(lambda s: all(re.search(p, s) for p in patterns), deadline,
                         " and ".join(f"/{p}/" for p in patterns))

    def wait_gone(self, pattern, deadline=10):
        return self.wait(lambda s: not re.search(pattern, s), deadline,
                         f"/{pattern}/ gone")

    def dead(self):
        return self._ended() is not None

    def _ended(self):
        """Exit status, minus the signal, or None.  tmux calls a pane dead as soon as its
        terminal is closed, and at times then misses the SIGCHLD: one more child of its
        own makes it look again."""
        dead, status, sig = self.show("pane_dead} #{pane_dead_status} "
                                      "#{pane_dead_signal").split(" ")
        if dead == "1" and not status and not sig:
            self._tmux("run-shell", "true")
        return int(status) if status else -int(sig) if sig else None

    def wait_exit(self, deadline=10):
        """Until the program has ended: its exit status, or minus its signal."""
        self.wait(lambda _s: self.dead(), deadline, "exit")
        return self._ended()

    def signal(self, sig):
        """Signal the program in the pane (it is the pane's own process)."""
        os.kill(self.pid, sig)
