# SPDX-License-Identifier: BSD-3-Clause
"""The last place: what serves a name alone is not drained without a question, and never because two asked at once."""
import concurrent.futures
import re
import socket

import pytest

import kit

REFUSED = 1


@pytest.fixture
def server(site):
    site.topology = {
        "regions": {"us": {"azs": {"us-1": {}, "us-2": {}}}, "eu": {"azs": {"eu-1": {}}},
                    "ap": {"azs": {"ap-1": {}}}, "sa": {"azs": {"sa-1": {}}}},
        "endpoints": {"us-a": {"az": "us-1", "addresses": ["192.0.2.1", "2001:db8::1"]},
                      "us-b": {"az": "us-2", "addresses": ["192.0.2.2"]},
                      "eu-a": {"az": "eu-1", "addresses": ["192.0.2.3"]},
                      "ap-a": {"az": "ap-1", "addresses": ["192.0.2.4"]},
                      "sa-a": {"az": "sa-1", "addresses": ["192.0.2.5"]}}}
    site.zone("example.com", "www 60 IN A 192.0.2.99\n").policy("example.com", {
        "www": {"endpoints": ["us-*", "eu-*"], "tiers": [["us"], ["eu"]], "fallback": "static"},
        "twin": {"endpoints": ["ap-a", "sa-a"], "tiers": [["ap"], ["sa"]]},
        "alone": {"endpoints": ["us-b"]},
        "four": {"endpoints": ["us-b", "eu-a"], "tiers": [["us"], ["eu"]]}})
    return site.start()


def ask(server, kind, name, state, **more):
    body = {"state": state, "reason": "a test", **more}
    return server.request("PUT", f"/v1/{kind}s/{name}/override", body)


def names(unserved):
    return {item["name"].split(".")[0]: item["types"] for item in unserved["names"]}


def listed(server):
    return [f"{item['kind']}:{item['name']}" for item in server.get("/v1/overrides")["items"]]


def test_asked_first(server):
    reply = ask(server, "endpoint", "us-b", "drain")
    assert (reply.status, reply.json["type"]) == (409, "urn:steerd:problem:unserved")
    assert (reply.json["unserved"]["total"], names(reply.json["unserved"])) == (1, {"alone": ["A"]})
    assert listed(server) == [] and server.addresses("alone.example.com") == ["192.0.2.2"]
    assert ask(server, "endpoint", "us-b", "drain", allow_unserved=True).status == 200
    assert ask(server, "endpoint", "us-b", "down").status == 200, "it is not served already"
    assert ask(server, "region", "eu", "drain").json["unserved"]["names"][0]["name"] == "four.example.com."


def test_types_of_their_own(server):
    """us is the last place with IPv6."""
    unserved = ask(server, "region", "us", "down").json["unserved"]
    assert names(unserved) == {"alone": ["A"], "www": ["AAAA"]}


def test_removing_up(server):
    assert ask(server, "region", "us", "down", allow_unserved=True).status == 200
    assert ask(server, "endpoint", "us-b", "up").status == 200
    reply = server.request("DELETE", "/v1/endpoints/us-b/override")
    assert (reply.status, names(reply.json["unserved"])) == (409, {"alone": ["A"]})
    assert ask(server, "endpoint", "us-b", "auto").status == 409
    assert server.request("DELETE", "/v1/endpoints/us-b/override?allow_unserved=true").status == 200
    assert listed(server) == ["region:us"]


def test_planned_and_dry(server):
    reply = ask(server, "az", "us-2", "drain", starts_in="1h", expires_in="1h")
    assert (reply.status, names(reply.json["unserved"])) == (409, {"alone": ["A"]})
    assert ask(server, "az", "us-2", "drain", starts_in="1h", expires_in="1h", allow_unserved=True).status == 200
    body = {"state": "drain", "reason": "x"}
    told = server.request("PUT", "/v1/regions/us/override?dry_run=true", body).json
    assert (told["unserved"]["total"], names(told["unserved"])) == (2, {"alone": ["A"], "www": ["AAAA"]})
    assert {f"{change['kind']}:{change['name']}" for change in told["changes"]} == {
        "region:us", "az:us-1", "az:us-2", "endpoint:us-a", "endpoint:us-b"}
    assert listed(server) == ["az:us-2"]
    for field in "yes", 1, None:
        assert ask(server, "az", "us-1", "drain", allow_unserved=field).status == 422


def test_plans_add_up(server):
    """Harmless alone, and both hold together for a while: whoever comes second is told, from when on."""
    assert ask(server, "region", "ap", "drain", starts_in="1h", expires_in="1h").status == 200
    reply = ask(server, "region", "sa", "drain")
    assert (reply.status, names(reply.json["unserved"])) == (409, {"twin": ["A"]})
    starts = server.get("/v1/regions/ap")["override"]["starts"]
    assert reply.json["unserved"]["from"] == starts and starts in reply.json["detail"]
    assert ask(server, "region", "sa", "drain", starts_in="90m", expires_in="1h").status == 409
    assert ask(server, "endpoint", "sa-a", "down", expires_in="61m").status == 409
    assert ask(server, "region", "sa", "drain", expires_in="30m").status == 200, "it ends before the other one begins"
    assert ask(server, "region", "ap", "drain", starts_in="20m", expires_in="1h").status == 409
    dry = server.request("PUT", "/v1/regions/sa/override?dry_run=true", {"state": "drain", "reason": "x"}).json
    assert (dry["unserved"]["total"], dry["unserved"]["from"]) == (1, starts)
    told = server.ctl("drain", "region:sa", "--reason", "x", "--dry-run").stdout
    assert f"nobody would serve 1 name any more, from {starts}, so this takes --yes-unserved:\n  twin.example.com. A" in told
    assert listed(server) == ["region:ap", "region:sa"]


def test_planned_and_begun(server):
    """What was planned and has begun counts like anything else."""
    assert ask(server, "region", "ap", "drain", starts_in="1s").status == 200
    assert ask(server, "region", "sa", "drain").status == 409
    server.wait(lambda: server.addresses("twin.example.com") == ["192.0.2.5"], "it has begun")
    reply = ask(server, "region", "sa", "drain")
    assert (reply.status, reply.json["unserved"]["from"]) == (409, None)


def test_bursts_leave_one(server):
    """twin is in two regions: of many who take one away at once nobody takes the last one."""
    def take(number):
        return ask(server, "region", ("ap", "sa")[number % 2], "drain" if number % 4 < 2 else "down").status
    for _ in range(5):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            assert set(pool.map(take, range(32))) == {200, 409}
        assert server.addresses("twin.example.com") in (["192.0.2.4"], ["192.0.2.5"])
        assert len(listed(server)) == 1
        for region in "ap", "sa":
            assert ask(server, "region", region, "auto").status == 200


def test_all_kinds_at_once(server):
    """Those that ask, those that do not, and those that plan, about few targets: each is told what became of it."""
    def order(number):
        state = ("drain", "up", "down", "auto")[number % 4]
        more = {"starts_in": "1s", "expires_in": "1s"} if number % 7 == 0 and state != "auto" else {}
        return ask(server, "region", ("ap", "sa", "us")[number % 3], state, allow_unserved=number % 5 == 0, **more)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(order, range(180)))
    assert {reply.status for reply in replies} == {200, 409}
    assert {reply.json["type"] for reply in replies if reply.status == 409} <= {
        "urn:steerd:problem:unserved", "urn:steerd:problem:conflict"}
    for region in "ap", "sa", "us":
        assert ask(server, "region", region, "auto", allow_unserved=True).status == 200
    assert listed(server) == []
    assert server.addresses("twin.example.com") == ["192.0.2.4"]


def test_order_on_one_connection(server):
    """Written at once: each sees what those before have done, and all are answered in order."""
    wanted = [("ap-a", "drain", 200), ("sa-a", "drain", 409), ("ap-a", "auto", 200), ("sa-a", "drain", 200),
              ("ap-a", "drain", 409), ("sa-a", "auto", 200)] * 10
    requests = b""
    for name, state, _ in wanted:
        body = kit.json.dumps({"state": state, "reason": "x"})
        requests += (f"PUT /v1/endpoints/{name}/override HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(server.site.socket))
        client.sendall(requests)
        got = b""
        while got.count(b"HTTP/1.1 ") < len(wanted):
            piece = client.recv(65536)
            assert piece, got
            got += piece
    assert [int(status) for status in re.findall(rb"HTTP/1.1 (\d+) ", got)] == [status for _, _, status in wanted]


def test_who_leaves_is_obeyed(server):
    """The request was complete: it is carried out, whoever waits for the answer."""
    connection = kit.UnixConnection(server.site.socket)
    body = kit.json.dumps({"state": "drain", "reason": "x"})
    connection.request("PUT", "/v1/regions/eu/override", body, {"Content-Type": "application/json"})
    connection.sock.shutdown(1)
    server.wait(lambda: listed(server) == ["region:eu"], "it is in force")
    connection.close()


def test_steerctl(server):
    done = server.ctl("drain", "endpoint:us-b", "--reason", "it's late", code=REFUSED)
    assert "  alone.example.com. A (class default)\n" in done.stderr
    way = done.stderr.splitlines()[-1]
    assert way == (f"to do it all the same: steerctl -s {server.site.socket} drain endpoint:us-b --reason 'it'\\''s late' "
                   "--yes-unserved")
    told = server.ctl("drain", "endpoint:us-b", "--reason", "x", "--dry-run").stdout
    assert "nobody would serve 1 name any more, so this takes --yes-unserved:\n  alone.example.com. A" in told
    assert listed(server) == []
    server.ctl("drain", "endpoint:us-b", "--reason", "x", "--yes-unserved")
    assert listed(server) == ["endpoint:us-b"]
    server.ctl("up", "endpoint:us-b", "--reason", "x")
    server.ctl("down", "region:us", "--reason", "x", "--yes-unserved")
    server.ctl("auto", "endpoint:us-b", code=REFUSED)
    server.ctl("auto", "endpoint:us-b", "--yes-unserved")
