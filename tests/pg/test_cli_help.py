"""Help, man page and completions come from one table; the password prompt does not echo."""
import re
import subprocess

from harness import binary


def commands(run):
    text = run(["--help"]).out
    return re.findall(r"^  ([a-z][a-z-]*(?: [a-z][a-z-]*)?)  +\S", text, re.M)


def test_every_command_helps_with_examples(run_pg2une):
    names = commands(run_pg2une)
    assert {"inspect", "query top", "baseline diff", "config show", "doctor"} <= set(names)
    for name in names:
        r = run_pg2une([*name.split(), "--help"])
        assert r.rc == 0 and r.err == ""
        assert f"pg2une {name}" in r.out and "Examples:\n  pg2une " in r.out


def test_man_page(run_pg2une):
    page = run_pg2une(["--generate", "man"]).out
    for name in commands(run_pg2une):
        assert f".SS pg2une {name} " in page
    assert re.search(r"^\.SH EXIT STATUS", page, re.M)


def test_bash_completion(run_pg2une, tmp_path):
    script = tmp_path / "c"
    script.write_text(run_pg2une(["--generate", "bash"]).out)

    def complete(*words):
        cmd = f"source {script}; COMP_WORDS=({' '.join(repr(w) for w in words)}); " \
              f"COMP_CWORD={len(words) - 1}; _pg2une; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        p = subprocess.run(["bash", "-c", cmd], capture_output=True, text=True)
        assert p.returncode == 0 and p.stderr == ""
        return p.stdout.split()
    assert complete("pg2une", "insp") == ["inspect"]
    assert "top" in complete("pg2une", "query", "t")
    assert complete("pg2une", "query", "top", "--so") == ["--sort"]
    assert "--sections" in complete("pg2une", "inspect", "--se")
    assert "--host" in complete("pg2une", "inspect", "--ho")


def test_unknown_words(run_pg2une):
    for args in (["--generate", "fish"], ["inspect", "--bogus"], ["--bogus"]):
        r = run_pg2une(args)
        assert r.rc == 2 and r.out == "" and r.err.count("\n") == 1


def test_half_a_command_is_no_database(run_pg2une):
    for args, said in ((["config"], "config wants one of: show, diff"),
                       (["config", "shwo"], "config wants one of: show"),
                       (["query", "-b", "1"], "query wants one of: top"),
                       (["-h"], "help is --help"), (["--bogus"], "see pg2une --help")):
        r = run_pg2une(args)
        assert r.rc == 2 and said in r.err, (args, r)
    groups = re.findall(r"^(\w.*):$", run_pg2une(["--help"]).out, re.M)
    assert len(groups) == len(set(groups)), groups


def test_batch(lab, run_pg2une):
    """Each sample printed has rates and texts; a server that is not there is not waited for."""
    r = run_pg2une(["--batch", "2"], lab=lab(major=17, load=True, fast=True, scale=1))
    assert r.rc == 0 and r.err == ""
    assert len(re.findall(r" tps [\d.]+ ", r.out)) == 2, r.out
    for args in (["--batch", "2"], ["analysis", "--for", "10min", "--store", "none"]):
        r = run_pg2une([*args, "-h", "127.0.0.1", "-p", "1"], timeout=20)
        assert r.rc == 1 and r.err.count("\n") == 1, r.err


def test_password_prompt_does_not_echo(fresh_lab, console):
    one = fresh_lab(major=15, fast=True, hba="host all secretive 127.0.0.1/32 scram-sha-256")
    one.sql("CREATE ROLE secretive LOGIN PASSWORD 'hunter3'")
    t = console(["doctor", "-U", "secretive"], lab=one, rows=60)
    t.wait_for("Password:")         # the server wanted one: asked without -W
    t.type("hunter3")
    t.keys("Enter")
    t.wait_for("pg_read_all_stats")
    assert "hunter" not in t.screen() and t.wait_exit() == 0
