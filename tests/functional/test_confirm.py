# SPDX-License-Identifier: BSD-3-Clause
"""What cannot be had back is typed once more at a terminal; elsewhere the command says that it is meant."""
import os
import pty
import subprocess

import pytest

import kit

DESTRUCTIVE = {"alice": ["token", "delete", "alice"], "fra-1": ["vantage", "revoke", "fra-1"],
               "endpoint:web-1": ["config", "delete", "endpoint:web-1"],
               "replace": ["import", kit.__file__, "--replace", "--reason", "a test"]}


@pytest.mark.parametrize("name, words", DESTRUCTIVE.items())
def test_without_a_terminal_it_is_said(name, words):
    """Else nothing is asked of the server, which is not there."""
    def run(*more):
        done = kit.run_ctl("-s", "/nonexistent/admin.sock", *words, *more)
        return done.returncode, done.stderr
    code, why = run()
    assert code == 2 and "it takes --yes, or --confirm" in why
    code, why = run("--confirm", "another")
    assert code == 2 and f"that is not {name}" in why
    assert run("--yes")[0] == 3 and run("--confirm", name)[0] == 3


@pytest.mark.parametrize("words", [["token", "show", "alice"], ["vantage", "show", "fra-1"], ["config", "get", "region:x"],
                                   ["import", kit.__file__, "--reason", "x"]])
def test_what_asks_nothing_takes_no_answer(words):
    done = kit.run_ctl("-s", "/nonexistent/admin.sock", *words, "--yes")
    assert done.returncode == 2 and "asks nothing" in done.stderr


def type_in(server, text, *words):
    """At a terminal; returns the exit code and what was shown."""
    outer, inner = pty.openpty()
    os.write(outer, f"{text}\n".encode())
    done = subprocess.run([str(kit.STEERCTL), "-s", str(server.site.socket), *words], stdin=inner, capture_output=True, text=True,
                          timeout=kit.PATIENCE_S, check=False, env=kit.make_environment())
    os.close(inner), os.close(outer)
    return done.returncode, done.stdout + done.stderr


def test_at_a_terminal_it_is_typed(site):
    site.zone("example.com", "")
    server = site.start()
    server.ctl("token", "add", "alice", "--role", "viewer")
    code, said = type_in(server, "alic", "token", "delete", "alice")
    assert code == 2 and "Type alice to delete it: " in said and "nothing was done" in said
    assert [token["name"] for token in server.get("/v1/tokens")["items"]] == ["alice"]
    code, said = type_in(server, "alice", "token", "delete", "alice")
    assert code == 0 and "lets in nobody" in said and server.get("/v1/tokens")["items"] == []
