# SPDX-License-Identifier: BSD-3-Clause
"""Every verb of steerctl takes --json, and what it prints then is JSON: a document, or an object in a line each."""
import json

import pytest

import kit

REASON = ["--reason", "a test"]
# What is asked of each verb, one after the other; "!": it may be refused.
ASKED = {
    "acme": [["set", "www.example.com", 43 * "a"], ["list"], ["clear", "www.example.com"]],
    "status": [[]], "regions": [[], ["us-east"]], "azs": [[]], "endpoints": [[], ["web-us-east-1a"]], "checks": [[]],
    "replication": [[]], "lag": [[]], "objectives": [[]], "rules": [[], ["check", "region:us-east=drain"]],
    "check": [["run", "web-us-east-1a"], ["all", "!"]], "vantages": [[]], "vantage": [["enrol", "fra-1"], ["show", "fra-1"], ["revoke", "fra-1", "--yes"]],
    "config": [["show"], ["diff"]], "tokens": [[]],
    "token": [["add", "alice", "--role", "viewer"], ["show", "alice"], ["rotate", "alice"], ["delete", "alice", "--yes"]],
    "show": [["region:us-east"]], "drain": [["az:us-east-1a", *REASON]], "up": [["az:us-east-1a", *REASON]],
    "down": [["az:us-east-1a", *REASON]], "auto": [["az:us-east-1a"]], "failback": [["region:us-east", *REASON, "!"]],
    "load": [["endpoint:web-us-east-1a", "0.5", "!"]], "report": [["endpoint:web-us-east-1a", "agent", "up"]], "overrides": [[]],
    "history": [[]], "events": [[]], "webhooks": [[]], "retry": [["nobody", "!"]], "hooks": [[]], "errors": [[]], "audit": [["verify"]],
    "backup": [["{folder}/b.tar.gz"], ["verify", "{folder}/b.tar.gz"]], "export": [[]], "salvage": [["!"]],
    "operations": [[]], "incidents": [[]], "traffic": [[]], "resolvers": [[]], "drains": [[]],
    "switchover": [["plan", "region:us-east"], ["start", "region:us-east", *REASON], ["list"]],
    "point": [["list"], ["save", "before", *REASON], ["show", "before"], ["delete", "before", *REASON]],
    "restore": [["1s", "--dry-run", "!"]], "import": [["{folder}/lines", *REASON]], "explain": [["www.example.com"]], "diff": [["1s", "!"]],
    "what-if": [["region", "us-east", "down"]], "zones": [[]], "names": [[]], "geo": [[]], "reload": [[], ["example.com"]],
    "drill": [["simulate", "--lose", "region:us-east", "!"], ["sweep", "!"], ["new", "--lose", "region:us-east"], ["list"], ["reports"],
              ["schedule"], ["shadow", "--lose", "region:us-east", "--client", "127.1.2.0/24"]],
    "serving": [[]], "withdraw": [REASON], "announce": [REASON], "nodes": [["!"]], "push": [["{folder}", "--check", "!"]], "bundles": [["!"]], "cluster": [["status", "!"], ["conflicts", "!"], ["refill", "--yes", "!"]], "openapi": [[]],
}
# Not of the API: a screen, a text, processes that go on (each has tests of its own).
OTHERS = {"completion", "init", "watch", "takeover", "observe", "metrics", "help", "version"}


def test_no_verb_is_forgotten():
    assert set(kit.list_verbs()) == set(ASKED) | OTHERS


def is_json(text):
    """One document; or several, each in a line."""
    try:
        json.loads(text)
        return True
    except ValueError:
        pass
    try:
        return all(isinstance(json.loads(line), dict) for line in text.splitlines())
    except ValueError:
        return False


@pytest.mark.parametrize("verb", ASKED)
def test_it_is_json(site, tmp_path, verb):
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.topology["checks"]["agent"] = {"type": "push", "ttl": "10m"}
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = ["web", "agent"]
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["vantages"] = {"listen": f"{(address := kit.new_address())}:{kit.find_port(address)}"}
    site.web(*at.values())
    server = site.start()
    for endpoint in site.topology["endpoints"]:
        assert server.request("POST", "/v1/report", {"endpoint": endpoint, "check": "agent", "state": "up"}).status == 200
        server.wait_state("endpoint", endpoint, effective="healthy")
    if verb == "import":  # of at least one line
        kit.run_ctl("-s", str(server.site.socket), "drain", "az:us-east-1a", *REASON)
    (tmp_path / "lines").write_text(kit.run_ctl("-s", str(server.site.socket), "export").stdout)
    for words in ASKED[verb]:
        may_fail = "!" in words
        arguments = [word.format(folder=tmp_path) for word in words if word != "!"]
        done = kit.run_ctl("-s", str(server.site.socket), "--json", verb, *arguments)
        assert may_fail or done.returncode == 0, done
        assert done.stdout or may_fail or verb in ("export",), done
        assert is_json(done.stdout), done
