# SPDX-License-Identifier: BSD-3-Clause
"""Challenges of ACME clients: what is set is answered at once, beside the zone; it ends by itself, and by nothing else before."""
import shutil
import subprocess

import dns.rdatatype
import pytest

import gatekit
import kit
import takeovers
from takeovers import reaper  # noqa: F401

ONE, TWO = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", "-vaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
NAME = "_acme-challenge.www.example.com"
ZONE = ("www 60 IN A 192.0.2.99\n_acme-challenge.told 60 IN TXT \"by hand\"\nali 60 IN CNAME www\n_acme-challenge.ali 60 IN CNAME _acme-challenge.example.net.\n"
        "sub 60 IN NS ns.example.org.\nred 60 IN DNAME example.org.\n*.wild 60 IN A 192.0.2.98\n")


@pytest.fixture
def server(site):
    return site.zone("example.com", ZONE).zone("example.net", "").start()


def put(server, name="www.example.com", value=ONE, **more):
    reply = server.request("POST", "/v1/challenges", {"name": name, "value": value, **more})
    assert reply.status in (200, 201), reply
    return reply.json


def texts(server, name=NAME, **options):
    return sorted(text.strip('"') for text in server.addresses(name, "TXT", **options))


# ---- answers ----

def test_it_is_answered(server):
    assert put(server)["challenge"]["answered"]
    assert put(server, "*.www.example.com.", TWO)["name"] == NAME + "."
    for options in {}, {"tcp": True}, {"edns": 0, "payload": 1232}:
        reply = server.ask(NAME, "TXT", **options)
        assert texts(server, **options) == sorted([ONE, TWO]) and [rrset.ttl for rrset in reply.answer] == [0]
        assert reply.flags & 0x0400, "authoritative"
    reply = server.ask("_AcMe-cHaLLenge.wWw.eXample.com", "TXT")
    assert reply.question[0].name.to_text() == "_AcMe-cHaLLenge.wWw.eXample.com." == reply.answer[0].name.to_text()
    reply = server.ask(NAME, "A")
    assert reply.rcode() == 0 and not reply.answer and reply.authority[0].rdtype == dns.rdatatype.SOA
    assert server.addresses("www.example.com") == ["192.0.2.99"]
    assert server.request("DELETE", f"/v1/challenges/{NAME}?value={ONE}").json["challenge"]["values"][0]["value"] == TWO
    assert texts(server) == [TWO]
    assert server.request("DELETE", "/v1/challenges/www.example.com").json["challenge"] is None
    assert server.ask(NAME, "TXT").rcode() == 3
    assert server.request("DELETE", "/v1/challenges/www.example.com").status == 404


def test_tools_read_it(server):
    tools = [tool for tool in ("dig", "drill") if shutil.which(tool)]
    if not tools:
        pytest.skip("skipped: not installed: dig, drill")
    put(server)
    put(server, value=TWO)
    address, port = server.site.listen[0]
    for tool, tcp in ((tool, tcp) for tool in tools for tcp in ([], ["+tcp" if tool == "dig" else "-t"])):
        done = subprocess.run([tool, f"@{address}", "-p", str(port), *tcp, NAME, "TXT"], capture_output=True, text=True, timeout=kit.PATIENCE_S, check=True)
        assert f'"{ONE}"' in done.stdout and f'"{TWO}"' in done.stdout and "NOERROR" in done.stdout and " aa" in done.stdout, done


def test_names_above_exist_and_wildcards_stand(server):
    put(server, "a.b.example.com")
    assert [server.ask(name, "A").rcode() for name in ("b.example.com", "a.b.example.com", "c.b.example.com")] == [0, 0, 3]
    put(server, "a.wild.example.com")
    assert server.addresses("a.wild.example.com") == ["192.0.2.98"] and texts(server, "_acme-challenge.a.wild.example.com") == [ONE]
    put(server, "told.example.com")
    assert texts(server, "_acme-challenge.told.example.com") == [ONE, "by hand"]


def test_a_cname_leads_to_another_zone(server):
    put(server, "_acme-challenge.example.net")
    reply = server.ask("_acme-challenge.ali.example.com", "TXT")
    assert [rrset.rdtype for rrset in reply.answer] == [dns.rdatatype.CNAME, dns.rdatatype.TXT] and texts(server, "_acme-challenge.ali.example.com") == [ONE]


# ---- refusals ----

HIDDEN = {"ali.example.com": "_acme-challenge.example.net.: set it there", "x.sub.example.com": "sub.example.com. is delegated",
          "a.red.example.com": "_acme-challenge.a.example.org.: set it there", "www.example.org": "no zone", "a..b": "name of a certificate",
          "x" * 64: "name of a certificate", (49 * "abc." + "x" * 60)[:250]: "name of a certificate"}
FAULTS = [({"expires_in": "25h"}, "expires_in"), ({"expires_in": "0s"}, "expires_in"), ({"expires_in": "soon"}, "expires_in"), ({"reason": ""}, "reason"),
          ({"ttl": 3}, "ttl"), ({"actor": "x" * 64}, "actor"),
          *(({"name": name}, "name") for name in ("", 7, None, "é", "a\0b")),
          *(({"value": value}, "value") for value in ("", ONE[:-1], ONE + "x", ONE[:-1] + "=", ONE[:-1] + "+", ONE[:-1] + " ", "é" * 22, 7, None))]


def test_names_that_cannot_be_answered(server):
    for name, said in HIDDEN.items():
        reply = server.request("POST", "/v1/challenges", {"name": name, "value": ONE})
        assert reply.status == 422 and any(error["field"] == "name" and said in error["message"] for error in reply.json["errors"]), reply
        assert said in server.ctl("acme", "set", name, ONE, code=1).stderr
    assert server.get("/v1/challenges")["items"] == []


def test_faults_are_told(server):
    for body, field in FAULTS:
        reply = server.request("POST", "/v1/challenges", {"name": "www.example.com", "value": ONE, **body})
        told = reply.status == 400 if body.get("name") == "a\0b" else reply.status == 422 and {error["field"] for error in reply.json["errors"]} == {field}
        assert told, (body, reply)
    reply = server.request("POST", "/v1/challenges", {})
    assert reply.status == 422 and [error["field"] for error in reply.json["errors"]] == ["name", "value"]
    assert server.get("/v1/challenges")["items"] == []


def test_there_is_a_bound(server):
    for i in range(16):
        put(server, value=f"{i:043}")
    reply = server.request("POST", "/v1/challenges", {"name": "www.example.com", "value": ONE})
    assert reply.status == 409 and "16 challenges" in reply.json["detail"]
    put(server, value=f"{3:043}")
    assert len(texts(server, tcp=True)) == 16 and server.ask(NAME, "TXT").flags & 0x0200, "truncated"
    server.ctl("acme", "clear", "www.example.com")
    put(server)


def test_a_token_of_a_zone_is_enough(site):
    pki = gatekit.make_pki(site)
    at = gatekit.listen(site, pki)
    server = site.zone("example.com", ZONE).zone("example.net", "").start()
    token = server.request("POST", "/v1/tokens", {"name": "acme", "role": "operator", "zones": ["example.net"]}).json["secret"]
    remote = gatekit.Remote(at, pki, token=token)
    put(server)
    for method, path, body in (("POST", "/v1/challenges", {"name": "www.example.com", "value": ONE}), ("DELETE", "/v1/challenges/www.example.com", None),
                               ("POST", "/v1/challenges", {"name": "ali.example.com", "value": ONE}), ("DELETE", "/v1/challenges/www.example.org", None)):
        reply = remote.request(method, path, body)
        assert reply.status == 403 and reply.json["type"].endswith(":forbidden"), reply
    assert texts(server) == [ONE]
    assert remote.request("POST", "/v1/challenges", {"name": "example.net", "value": TWO}).json["challenge"]["values"][0]["peer"] == "token:acme"
    assert [item["name"] for item in remote.request("GET", "/v1/challenges").json["items"]] == ["_acme-challenge.example.net.", NAME + "."]
    del site.zones["example.net"]
    (site.folder / "zones/example.net.zone").unlink()
    site.write()
    server.reload()
    item = server.get("/v1/challenges/example.net")
    assert not item["answered"] and item["zone"] is None and "no zone" in item["why"]
    assert remote.request("DELETE", "/v1/challenges/example.net").status == 200
    viewer = server.request("POST", "/v1/tokens", {"name": "looks", "role": "viewer"}).json["secret"]
    assert gatekit.Remote(at, pki, token=viewer).request("POST", "/v1/challenges", {"name": "www.example.com", "value": TWO}).status == 403


# ---- asking ----

def test_dry_runs_and_keys(server):
    dry = server.request("POST", "/v1/challenges?dry_run=true", {"name": "www.example.com", "value": ONE})
    assert dry.status == 200 and dry.json["dry_run"] and dry.json["challenge"] is None and server.ask(NAME, "TXT").rcode() == 3
    key, body = {"Idempotency-Key": '"one"'}, {"name": "www.example.com", "value": ONE}
    first, again = (server.request("POST", "/v1/challenges", body, headers=key) for _ in range(2))
    assert (first.status, again.status) == (201, 201) and again.headers["Idempotency-Replayed"] == "true"
    assert server.request("POST", "/v1/challenges", body).status == 200
    assert server.request("DELETE", f"/v1/challenges/{NAME}?dry_run=true").json["challenge"]["values"] and texts(server) == [ONE]
    assert server.request("DELETE", f"/v1/challenges/{NAME}?dry_run=true&value={TWO}").status == 404


def test_it_is_in_the_history(server):
    put(server, reason="a test", actor="ann")
    server.ctl("acme", "clear", "www.example.com", "--reason", "over")
    entries = [entry for entry in server.get("/v1/journal?kind=challenge")["items"]]
    assert [(entry["key"], entry["reason"]) for entry in entries] == [(f"{NAME}./{ONE}", "over"), (f"{NAME}./{ONE}", "a test")]
    assert entries[1]["actor"] == "ann" and entries[0]["after"] is None


def test_pages(server):
    for i in range(5):
        put(server, f"n{i}.example.com")
    page = server.get("/v1/challenges?limit=3")
    rest = server.get(f"/v1/challenges?limit=3&cursor={page['next_cursor']}")
    assert [item["name"][16:18] for item in page["items"] + rest["items"]] == [f"n{i}" for i in range(5)] and rest["next_cursor"] is None


def test_the_command(server):
    done = server.ctl("acme", "set", "--for", "5m", "--", "www.example.com", TWO)
    assert NAME in done.stdout and TWO in done.stdout and texts(server) == [TWO]
    assert TWO in server.ctl("acme", "list").stdout
    for words in ([], ["set", "www.example.com"], ["clear"], ["list", "x"], ["put", "a", "b"], ["list", "--for", "1m"]):
        server.ctl("acme", *words, code=2)
    assert server.ctl_json("acme", "list")["items"][0]["values"][0]["value"] == TWO
    server.ctl("acme", "clear", "--", "www.example.com", TWO)
    assert "no challenge" in server.ctl("acme", "clear", "www.example.com", code=4).stderr
    assert "steerd_challenges 0" in server.request("GET", "/metrics").body.decode()


def test_it_is_explained(server):
    put(server)
    put(server, "a.wild.example.com")
    for name in "www", "a.wild":
        told = server.get(f"/v1/explain?name=_acme-challenge.{name}.example.com&type=TXT")
        assert told["answers"][0].endswith(f'"{ONE}"') and any("1 ACME challenge is set" in step for step in told["steps"]), told
        assert not any("wildcard" in step for step in told["steps"])


# ---- how long ----

def test_it_ends_by_itself(server):
    put(server, expires_in="1s")
    put(server, value=TWO)
    server.wait(lambda: texts(server) == [TWO], "the first has ended")
    assert [value["value"] for value in server.get(f"/v1/challenges/{NAME}")["values"]] == [TWO]
    server.wait_log("challenge ended", f"challenge={ONE}")
    server.wait(lambda: server.get("/v1/journal?kind=challenge&order=newest&limit=1")["items"][0]["reason"] == "its time is over", "the store forgets it")
    put(server, expires_in="1s")
    put(server, expires_in="10m")
    server.wait(lambda: server.get("/v1/journal?kind=challenge&order=newest&limit=1")["items"][0]["key"].endswith(ONE), "written")
    assert sorted(texts(server)) == sorted([ONE, TWO])


def test_it_outlives_the_process(server):
    put(server, expires_in="1h")
    put(server, value=TWO, expires_in="1s")
    server.kill()
    server.start()
    server.wait(lambda: texts(server) == [ONE], "what was acknowledged is there, and what is over is not")
    old, _ = takeovers.take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0 and texts(server) == [ONE]
    assert server.request("DELETE", f"/v1/challenges/{NAME}").status == 200
    server.stop()
    server.start()
    assert server.ask(NAME, "TXT").rcode() == 3


def test_reloads_leave_it(site, server):
    put(server)
    site.zones["example.com"] = site.zones["example.com"].replace("192.0.2.99", "192.0.2.97")
    site.write()
    server.reload()
    server.wait_answers("www.example.com", ["192.0.2.97"])
    assert texts(server) == [ONE]
    text = site.zones["example.com"]
    site.zones["example.com"] = text + "_acme-challenge.www 60 IN CNAME x.example.org.\n"
    site.write()
    server.reload()
    server.wait(lambda: server.ask(NAME, "TXT").answer[0].rdtype == dns.rdatatype.CNAME, "the CNAME comes first")
    assert "x.example.org.: set it there" in server.get(f"/v1/challenges/{NAME}")["why"]
    site.zones["example.com"] = text
    site.write()
    server.ctl("reload", "example.com")
    server.wait(lambda: texts(server) == [ONE], "it is answered again")


def test_without_a_state_folder_it_goes_from_process_to_process(site):
    del site.server["state"]
    server = site.zone("example.com", ZONE).start()
    assert not put(server)["durable"] and texts(server) == [ONE]
    assert "not durable" in server.ctl("acme", "set", "--", "www.example.com", TWO).stdout
    old, _ = takeovers.take_over(server)
    assert old.wait(kit.PATIENCE_S) == 0 and texts(server) == sorted([ONE, TWO])
    assert server.request("DELETE", f"/v1/challenges/{NAME}").status == 200 and server.ask(NAME, "TXT").rcode() == 3
