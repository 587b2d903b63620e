# SPDX-License-Identifier: BSD-3-Clause
"""steerctl: a verb for each thing the API can do, tables for people, --json for programs, exit codes for scripts."""
import json
import shlex
import socket
import subprocess

import pytest

import kit

OK, REFUSED, USAGE, UNREACHABLE, NOT_FOUND, DRILL = 0, 1, 2, 3, 4, 5


def test_tables(pair):
    text = pair.server.ctl("regions").stdout
    assert [line.split()[0] for line in text.splitlines() if line.split()[0] in ("us-east", "eu-west")] == \
        ["us-east", "eu-west"]
    assert "healthy" in text
    assert "web-us-east-1a" in pair.server.ctl("endpoints").stdout
    assert "us-east-1b" in pair.server.ctl("azs").stdout
    assert "example.com." in pair.server.ctl("zones").stdout
    assert "www.example.com." in pair.server.ctl("names").stdout
    assert "steerd_queries_total" in pair.server.ctl("metrics").stdout


def test_one_object(pair):
    text = pair.server.ctl("endpoints", "web-us-east-1a").stdout
    assert pair.at["us-east-1a"] in text and "healthy" in text
    assert "web-us-east-1a" in pair.server.ctl("show", "endpoint:web-us-east-1a").stdout
    assert "us-east" in pair.server.ctl("show", "region:us-east").stdout


@pytest.mark.parametrize("arguments, path", [
    (["status"], "/v1/status"), (["regions"], "/v1/regions"), (["azs"], "/v1/azs"), (["overrides"], "/v1/overrides"),
    (["zones"], "/v1/zones"), (["names"], "/v1/names"), (["show", "region:us-east"], "/v1/regions/us-east"),
    (["regions", "us-east"], "/v1/regions/us-east"),
])
def test_json_is_what_the_api_says(pair, arguments, path):
    def is_same():
        said, api = pair.server.ctl_json(*arguments), pair.server.get(path)
        for each in said, api:
            each.get("last_health", {}).pop("written", None)
        return said == api or said == api.get("items")
    kit.wait_for(is_same, "both say the same")  # something may be in between: the configuration is kept, a point is made


def test_drain_and_auto(pair):
    pair.server.ctl("drain", "region:us-east", "--reason", "planned work", "--for", "30m")
    assert set(pair.server.sample("www.example.com")) == set(pair.eu)
    override = pair.server.get("/v1/regions/us-east")["override"]
    assert (override["state"], override["reason"]) == ("drain", "planned work")
    assert override["expires"] is not None
    listed = pair.server.ctl("overrides").stdout
    assert "us-east" in listed and "planned work" in listed
    pair.server.ctl("auto", "region:us-east")
    assert set(pair.server.sample("www.example.com")) == set(pair.us)
    assert pair.server.get("/v1/overrides")["items"] == []


@pytest.mark.parametrize("verb, effective", [("up", "forced_up"), ("down", "forced_down"), ("drain", "drained")])
def test_every_override(pair, verb, effective):
    for target, path in (("az:us-east-1a", "azs/us-east-1a"), ("endpoint:web-eu-west-1a", "endpoints/web-eu-west-1a")):
        pair.server.ctl(verb, target, "--reason", "a test")
        assert pair.server.get(f"/v1/{path}")["effective"] == effective
        pair.server.ctl("auto", target)
        assert pair.server.get(f"/v1/{path}")["effective"] == "healthy"


def test_explain(pair):
    text = pair.server.ctl("explain", "www.example.com").stdout
    assert "us-east" in text and any(address in text for address in pair.us)
    told = pair.server.ctl_json("explain", "www.example.com", "A")
    assert told["source"] == "tier" and told["steered"] is True
    assert pair.server.ctl_json("explain", "nothing.example.com", "MX")["rcode"] == "NXDOMAIN"
    assert pair.server.ctl_json("explain", "www.example.com", "--client", "192.0.2.1")["client"].startswith("192.0.2.1")


def test_reload(pair):
    before = pair.server.get("/v1/status")["generation"]
    pair.server.ctl("reload")
    assert pair.server.get("/v1/status")["generation"] > before
    pair.site.put("topology.json", "{ nonsense")
    done = pair.server.ctl("reload", code=REFUSED)
    assert "topology.json" in done.stdout + done.stderr


def test_exit_codes(pair):
    server = pair.server
    server.ctl(code=USAGE)
    server.ctl("dance", code=USAGE)
    server.ctl("regions", "a", "b", code=USAGE)
    server.ctl("drain", "region:us-east", code=USAGE)
    server.ctl("drain", "us-east", "--reason", "x", code=USAGE)
    server.ctl("regions", "mars", code=NOT_FOUND)
    server.ctl("show", "endpoint:nobody", code=NOT_FOUND)
    server.ctl("drain", "region:mars", "--reason", "x", code=NOT_FOUND)
    for arguments in ["regions"], ["--json", "status"], ["drain", "region:us-east", "--reason", "x"]:
        done = kit.run_ctl("-s", str(pair.site.folder / "nowhere"), *arguments)
        assert done.returncode == UNREACHABLE and "nowhere" in done.stderr
    assert server.get("/v1/overrides")["items"] == []


def test_errors_go_to_stderr_and_name_the_cause(pair):
    done = pair.server.ctl("show", "region:mars", code=NOT_FOUND)
    assert done.stdout == "" and "mars" in done.stderr
    done = pair.server.ctl("drain", "region:us-east", "--reason", "x", "--for", "soon", code=REFUSED)
    assert "soon" in done.stderr


def test_help():
    done = kit.run_ctl("--help")
    assert done.returncode == OK
    lines = done.stdout.splitlines()
    assert len(lines) <= 50 and max(map(len, lines)) < 80, "a terminal has it all"


@pytest.mark.parametrize("verb", kit.list_verbs())
def test_help_of_every_verb(verb):
    """What it takes, what it does, an example that the command line understands."""
    text = kit.run_ctl("help", verb).stdout
    assert verb == "help" or text == kit.run_ctl(verb, "--help").stdout
    assert text.startswith(f"usage: steerctl {verb}")
    example = text.splitlines()[-1].split(" | ")[0]
    assert example.startswith(f"  steerctl {verb}") or verb == "init"
    if verb == "init":
        return  # it writes files; test_installed.py
    assert kit.run_ctl("-s", "/nonexistent", *shlex.split(example)[1:]).returncode in (OK, UNREACHABLE)


def test_names_that_were_meant(pair):
    done = pair.server.ctl("show", "region:us-eats", code=NOT_FOUND)
    assert "did you mean region:us-east?" in done.stderr
    done = pair.server.ctl("drill", "simulate", "--lose", "az:us-east-1c", code=2)
    assert "--lose: found" in done.stderr and "did you mean az:us-east-1" in done.stderr
    done = pair.server.ctl("explain", "www.example.com", "--assume", "endpoint:web-us-east-1x=down", code=NOT_FOUND)
    assert "did you mean endpoint:web-us-east-1" in done.stderr
    done = pair.server.ctl("drain", "region:us-east", "--reason", "x", "--until", "2020-01-01T00:00:00Z", code=REFUSED)
    assert "--until: found 2020-01-01" in done.stderr and "expires" not in done.stderr


def test_tables_tell_where_traffic_goes(pair):
    text = pair.server.ctl("names").stdout
    assert "us-east > eu-west" in text and "weighted" in text
    told = pair.server.get("/v1/names")["items"][0]
    assert told["tiers"] and told["members"] > 0 and told["classes"] == 1
    endpoints = pair.server.ctl("endpoints").stdout.splitlines()
    assert "WEIGHT" in endpoints[0] and pair.at["us-east-1a"] in "\n".join(endpoints)


def test_sockets_that_lead_nowhere(pair, tmp_path):
    """Four things can be wrong with a path; each is said with what to do."""
    (tmp_path / "file").touch()
    gone = socket.socket(socket.AF_UNIX)
    gone.bind(str(tmp_path / "stale"))
    gone.close()
    for path, said in ("absent", "is steerd running?"), ("file", "is a regular file, not a socket"), \
            ("stale", "nobody listens at the socket"):
        done = kit.run_ctl("-s", str(tmp_path / path), "status")
        assert done.returncode == UNREACHABLE and said in done.stderr and str(tmp_path / path) in done.stderr, done


def test_json_of_an_error_is_json(pair):
    done = pair.server.ctl("show", "region:mars", "--json", code=NOT_FOUND)
    problem = json.loads(done.stdout or done.stderr)
    assert problem["status"] == 404


def test_few_libraries():
    """What steerctl loads is most of the time that it takes to start: JSON and libc are enough."""
    listed = subprocess.run(["ldd", str(kit.STEERCTL)], capture_output=True, text=True, check=True).stdout
    loaded = {line.split()[0].split("/")[-1].split(".so")[0] for line in listed.splitlines()}
    if not loaded & {"libasan", "libtsan", "libubsan"}:  # they bring others along
        loaded = {name for name in loaded if not name.startswith(("linux-", "ld-linux-"))}
        assert loaded == {"libjansson", "libc"}
