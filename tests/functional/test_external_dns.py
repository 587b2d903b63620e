# SPDX-License-Identifier: BSD-3-Clause
"""contrib/external-dns, the webhook provider: the requests that external-dns makes, against the real webhook over a real
steerd, seen by what the DNS answers and by what the webhook tells of its records."""
import concurrent.futures
import http.client
import json
import os
import random
import subprocess
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gatekit
import kit

WEBHOOK = kit.TOP / "contrib/external-dns/steerd-external-dns"
MEDIA_TYPE = "application/external.dns.webhook+json;version=1"
US, EU = "us-east-1a", "eu-west-1a"
OWNED = '"heritage=external-dns,external-dns/owner={},external-dns/resource=service/default/web"'


class Webhook:
    """The process, and external-dns as far as it talks to it."""

    def __init__(self, site, az=US, *options, at=None, **environment):
        self.port, self.exposed = kit.find_port("127.0.0.1"), kit.find_port("127.0.0.1")
        self.log = site.folder / f"webhook-{self.port}.log"
        where = at or ("--socket", str(site.socket))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(WEBHOOK), "--az", az, *where, "--listen", f"127.0.0.1:{self.port}", "--exposed",
                                             f"127.0.0.1:{self.exposed}", *options], stderr=log, env={**os.environ, **environment})
        kit.wait_for(lambda: "listening" in self.log.read_text() or self.process.poll() is not None, "the webhook listens")
        assert self.process.poll() is None, self.log.read_text()

    def request(self, method, path, body=None, port=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=kit.PATIENCE_S)
        try:
            body = body if body is None or isinstance(body, bytes) else json.dumps(body)
            kind = {"Content-Type": MEDIA_TYPE} if method == "POST" else {"Accept": MEDIA_TYPE}
            connection.request(method, path, body, {**kind, **headers})
            reply = connection.getresponse()
            return kit.Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def get(self, path):
        reply = self.request("GET", path)
        assert reply.status == 200 and reply.headers["Content-Type"] == MEDIA_TYPE, reply
        return reply.json

    def records(self):
        return {(raw["dnsName"], raw["recordType"], raw.get("setIdentifier", "")): raw["targets"] for raw in self.get("/records")}

    def adjust(self, *endpoints):
        reply = self.request("POST", "/adjustendpoints", list(endpoints))
        assert reply.status == 200, reply
        return reply.json

    def apply(self, status=204, **lists):
        """create, updateOld, updateNew, delete: as they went through /adjustendpoints."""
        reply = self.request("POST", "/records", lists)
        assert reply.status == status, (reply, self.log.read_text()[-2000:])
        return reply

    def metrics(self):
        lines = self.request("GET", "/metrics", port=self.exposed).body.decode().splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def scene(site):
    """Two regions, no endpoint of anybody's serves www; two zones."""
    site.at = kit.make_regions(site, azs=(US, EU))
    site.server["documents"] = {"owner": "api"}
    site.server["start_wait"] = "0s"
    for zone in ("example.com", "example.net"):
        site.zone(zone, "")
        site.policies[zone] = {"names": {"own": {"endpoints": ["web-*"]}}}
    site.webhooks = []
    yield site
    for webhook in site.webhooks:
        webhook.close()


@pytest.fixture
def server(scene):
    started = scene.start()
    started.wait(lambda: all(d["revision"] for d in started.get("/v1/config")["documents"]), "files are taken over")
    return started


@pytest.fixture
def start(scene, server):
    def begin(*arguments, **more):
        scene.webhooks.append(Webhook(scene, *arguments, **more))
        return scene.webhooks[-1]
    return begin


def endpoint(name, rtype, *targets, **more):
    properties = [{"name": f"webhook/steerd-{key[7:]}", "value": more.pop(key)} for key in list(more) if key.startswith("steerd_")]
    return {"dnsName": name, "recordType": rtype, "targets": list(targets), **({"providerSpecific": properties} if properties else {}), **more}


def owned(name, owner, *targets, rtype="A", **more):
    """A record and the text by which the registry of external-dns knows that it is its own."""
    text = endpoint(f"{rtype.lower()}-{name}", "TXT", OWNED.format(owner), **{k: v for k, v in more.items() if k == "setIdentifier"})
    return [endpoint(name, rtype, *targets, **more), text]


def texts(server, name, rtype="TXT"):
    return {rdata.to_text() for rrset in server.ask(name, rtype).answer for rdata in rrset}


def count_edits(server):
    return sum(item["kind"] == "document" for item in server.get("/v1/journal?limit=1000")["items"])


# ---- the protocol ----

def test_what_is_negotiated(start):
    webhook = start()
    reply = webhook.request("GET", "/")
    assert (reply.status, reply.headers["Content-Type"], reply.headers["Vary"]) == (200, MEDIA_TYPE, "Content-Type")
    assert reply.json == {"include": ["example.com", "example.net"]}
    assert start(US, "--zone", "example.net.").get("/") == {"include": ["example.net"]}
    assert webhook.request("GET", "/healthz", port=webhook.exposed).status == 200
    assert webhook.metrics()['steerd_external_dns_requests_total{code="200"}'] >= 1
    assert webhook.request("POST", "/records", {}, port=webhook.exposed).status == 404, "nothing is changed at that door"


def test_a_plan_serves_and_is_told_again(server, start):
    webhook = start(US, "--checks", "web")
    wanted = webhook.adjust(*owned("www.example.com", "a", "192.0.2.10", "192.0.2.11", recordTTL=120, labels={"owner": "a"}),
                            *owned("www.example.com", "a", "2001:DB8::10", rtype="AAAA"), *owned("*.app.example.net", "a", "192.0.2.12"),
                            endpoint("lb.example.com", "CNAME", "lb-1.Cloud.example."), endpoint("example.com", "MX", "10 mail.example.org"),
                            endpoint("free.example.com", "TXT", 'one "text" with blanks'))
    before = count_edits(server)
    webhook.apply(create=wanted)
    assert count_edits(server) == before + 3, "one entry for each document, of one edit"
    assert set(server.sample("www.example.com")) == {"192.0.2.10", "192.0.2.11"}
    assert server.ask("www.example.com", "A").answer[0].ttl == 60, "A and AAAA of a name have one TTL: the smaller one"
    assert server.addresses("www.example.com", "AAAA") == ["2001:db8::10"]
    assert server.addresses("x.app.example.net") == ["192.0.2.12"]
    assert texts(server, "a-www.example.com") == {OWNED.format("a")}
    assert texts(server, "lb.example.com", "CNAME") == {"lb-1.cloud.example."}
    assert texts(server, "example.com", "MX") == {"10 mail.example.org."}
    assert texts(server, "free.example.com") == {'"one \\"text\\" with blanks"'}

    def shape(raws):
        return sorted(json.dumps({key: value for key, value in raw.items() if key != "labels"}, sort_keys=True) for raw in raws)
    assert shape(webhook.get("/records")) == shape(wanted)
    names = {item["name"] for item in server.get("/v1/endpoints")["items"]}
    assert {f"www.example.com_{US}_192.0.2.10", f"www.example.com_{US}_2001-db8--10", f"any.app.example.net_{US}_192.0.2.12"} < names
    entry = [item for item in server.get("/v1/journal?limit=1000")["items"] if item["kind"] == "document"][0]
    assert entry["actor"] == f"external-dns:{US}", entry


def test_an_update_and_a_delete(server, start):
    webhook = start()
    old = webhook.adjust(*owned("www.example.com", "a", "192.0.2.10", "192.0.2.11", recordTTL=30))
    webhook.apply(create=old)
    new = webhook.adjust(*owned("www.example.com", "a", "192.0.2.11", "192.0.2.12", recordTTL=20, steerd_weight="7"))
    webhook.apply(updateOld=old, updateNew=new)
    assert set(server.sample("www.example.com")) == {"192.0.2.11", "192.0.2.12"}
    assert server.ask("www.example.com", "A").answer[0].ttl == 20
    assert server.get(f"/v1/config/endpoints/www.example.com_{US}_192.0.2.11")["value"]["weight"] == 7
    webhook.apply(Delete=new)  # as external-dns before 0.15 wrote it
    assert webhook.get("/records") == [] and server.addresses("www.example.com") == []
    assert texts(server, "a-www.example.com") == set()
    before = count_edits(server)
    webhook.apply(delete=new)
    assert count_edits(server) == before, "what is gone is gone: no edit"
    assert server.request("GET", "/v1/config/zones/example.com/names/www").status == 404


# ---- several clusters ----

def test_a_region_is_lost(scene, server, start):
    """Two clusters publish one name; each is its own endpoint. One dies, the answer moves; one withdraws, the other stays."""
    us, eu = kit.new_address(), kit.new_address()
    webs = {us: scene.web(us), eu: scene.web(eu)}
    options = ("--checks", "web", "--tiers", "us-east,eu-west")
    first, second = start(US, *options), start(EU, *options)
    plans = {webhook: webhook.adjust(*owned("www.example.com", owner, address))
             for webhook, owner, address in ((first, "a", us), (second, "b", eu))}
    first.apply(create=plans[first])
    assert server.get("/v1/config/zones/example.com/names/www")["value"]["tiers"] == [["us-east"]], "a tier is there when it has somebody"
    second.apply(create=plans[second])
    assert server.get("/v1/config/zones/example.com/names/www")["value"]["tiers"] == [["us-east"], ["eu-west"]]
    assert first.records() == {("www.example.com", "A", ""): [us], ("a-www.example.com", "TXT", ""): [OWNED.format("a")]}, "each has its own"
    assert texts(server, "a-www.example.com") == {OWNED.format("a"), OWNED.format("b")}
    server.wait_answers("www.example.com", [us])
    webs[us].kill()
    server.wait_answers("www.example.com", [eu])
    webs[us].start()
    server.wait_answers("www.example.com", [us])
    first.apply(delete=plans[first])
    assert set(server.sample("www.example.com")) == {eu} and first.get("/records") == []
    assert texts(server, "a-www.example.com") == {OWNED.format("b")} and len(second.get("/records")) == 2
    second.apply(delete=plans[second])
    assert server.addresses("www.example.com") == [] and second.get("/records") == []


def test_sets_of_one_cluster(server, start):
    """setIdentifier: one name from several services, each with an az and a weight of its own."""
    webhook = start()
    wanted = webhook.adjust(*owned("www.example.com", "a", "192.0.2.10", setIdentifier="blue", steerd_weight="0"),
                            *owned("www.example.com", "a", "192.0.2.20", setIdentifier="green", steerd_az=EU))
    webhook.apply(create=wanted)
    assert set(server.sample("www.example.com")) == {"192.0.2.20"}, "a weight of 0 stands by"
    assert server.get(f"/v1/endpoints/www.example.com_{US}_green_192.0.2.20")["az"] == EU
    webhook.apply(delete=[raw for raw in wanted if raw["setIdentifier"] == "green"])
    assert set(server.sample("www.example.com")) == {"192.0.2.10"}
    assert texts(server, "a-www.example.com") == {OWNED.format("a")}


def test_many_at_once_lose_nothing(server, start):
    """Plans of two webhooks that meet: the edit of one holds, the other is made anew."""
    webhooks = [start(US), start(EU)]

    def publish(number):
        webhooks[number % 2].apply(create=owned(f"n{number // 2}.example.com", number, f"192.0.2.{number + 1}"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(24)))
    for number, webhook in enumerate(webhooks):
        assert len(webhook.get("/records")) == 24, number
    assert all(set(server.sample(f"n{n}.example.com", 30)) == {f"192.0.2.{2 * n + 1}", f"192.0.2.{2 * n + 2}"} for n in range(12))


# ---- what others made ----

def test_nothing_else_is_touched(server, start):
    reply = server.request("PATCH", "/v1/config/documents/zones%2Fexample.com.json", {
        "names": {"shop": {"$comment": {"external-dns": "endpoints", "why": "ours"}, "endpoints": ["web-*"], "pick": "all"}},
        "static": {"shop": {"$comment": "of the mail people", "ttl": 900, "records": {"TXT": "\"v=spf1 -all\""}}}})
    assert reply.status == 200, reply.body
    topology, policy = [server.get(f"/v1/config/documents/{name}") for name in ("topology.json", "zones%2Fexample.com.json")]
    webhook = start()
    raws = [endpoint("own.example.com", "A", "192.0.2.10"), *owned("shop.example.com", "a", "192.0.2.11"), endpoint("shop.example.com", "TXT", "mine")]
    wanted = webhook.adjust(*raws)
    assert {raw["dnsName"] for raw in wanted} == {"shop.example.com", "a-shop.example.com"}, "own is somebody's"
    assert webhook.metrics()["steerd_external_dns_left_out_total"] == 1
    webhook.apply(create=raws)
    assert "own.example.com A" in webhook.log.read_text() or '"own.example.com"' in webhook.log.read_text()
    assert len(webhook.get("/records")) == 3
    assert set(server.addresses("shop.example.com")) == {"192.0.2.11", *server.site.at.values()}
    assert texts(server, "shop.example.com") == {'"v=spf1 -all"', '"mine"'}
    webhook.apply(delete=wanted)
    assert [server.get(f"/v1/config/documents/{name}") for name in ("topology.json", "zones%2Fexample.com.json")] == [topology, {
        **policy, "static": {"shop": {"$comment": {"text": "of the mail people"}, "ttl": 900, "records": {"TXT": ["\"v=spf1 -all\""]}}}}]


def test_an_operators_weight_stands(server, start):
    webhook = start()
    old = webhook.adjust(endpoint("www.example.com", "A", "192.0.2.10", steerd_weight="10"))
    webhook.apply(create=old)
    name = f"www.example.com_{US}_192.0.2.10"
    assert server.request("PATCH", f"/v1/config/endpoints/{name}", {"weight": 3}).status == 200
    new = webhook.adjust(endpoint("www.example.com", "A", "192.0.2.10", steerd_weight="10", recordTTL=9))
    webhook.apply(updateOld=old, updateNew=new)
    assert server.get(f"/v1/config/endpoints/{name}")["value"]["weight"] == 3
    webhook.apply(updateOld=new, updateNew=webhook.adjust(endpoint("www.example.com", "A", "192.0.2.10", steerd_weight="11")))
    assert server.get(f"/v1/config/endpoints/{name}")["value"]["weight"] == 11


def test_what_somebody_took_out_is_published_again(server, start):
    webhook = start()
    wanted = webhook.adjust(*owned("www.example.com", "a", "192.0.2.10", "192.0.2.11"))
    webhook.apply(create=wanted)
    assert server.request("DELETE", "/v1/config/zones/example.com/names/www").status == 200
    assert server.request("PATCH", "/v1/config/documents/zones%2Fexample.com.json", {"static": None}).status == 200
    assert webhook.get("/records") == [], "there is nothing of it"
    webhook.apply(create=wanted)
    assert set(server.sample("www.example.com")) == {"192.0.2.10", "192.0.2.11"} and len(webhook.get("/records")) == 2
    webhook.apply(delete=wanted)
    assert not [item for item in server.get("/v1/config/endpoints")["items"] if "www" in item["name"]]


# ---- what is refused ----

GOOD = endpoint("good.example.com", "A", "192.0.2.9")


BAD = [
    (endpoint("www.example.org", "A", "192.0.2.1"), "in no zone"), (endpoint("www.example.com", "A", "2001:db8::1"), "is no address for A"),
    (endpoint("www.example.com", "A", "lb.example"), "does not appear to be"), (endpoint("www.example.com", "A"), "no targets"),
    (endpoint("www.example.com", "SOA", "x"), "the type"), (endpoint("a..example.com", "A", "192.0.2.1"), "no domain name"),
    (endpoint("x.*.example.com", "A", "192.0.2.1"), "no domain name"), (endpoint("www.example.com", "A", "192.0.2.1", recordTTL=-1), "the TTL"),
    (endpoint("www.example.com", "A", "192.0.2.1", steerd_weight="many"), "weight"), (endpoint("www.example.com", "A", "192.0.2.1", steerd_az="moon"), "no az moon"),
    (endpoint("www.example.com", "A", "192.0.2.1", steerd_checks="web,none,ftp"), "no check ftp"), (endpoint("www.example.com", "TXT", "a\nb"), "one line"),
    (endpoint("www.example.com", "A", "192.0.2.1", steerd_tiers="us-east,mars"), "mars"), (endpoint("www.example.com", "CNAME", "a b"), "no domain name"),
    (endpoint("ns.example.com", "MX", "mail"), "a preference"), (endpoint("long.example.com", "TXT", '"' + "x" * 300 + '"'), "255"), (endpoint("own.example.com", "CNAME", "a.example"), "not by external-dns")]


def test_a_bad_record_is_left_out_and_named(server, start):
    """One by one: what somebody writes badly keeps nobody else's records from being published."""
    webhook, before = start(), count_edits(server)
    for raw, why in BAD:
        left = webhook.adjust(GOOD, raw)
        assert left[0]["dnsName"] == "good.example.com" and (len(left) == 1 or raw["recordType"] in ("MX", "TXT")), raw
        assert why in webhook.apply(status=500, create=[raw]).json["detail"], "of which nothing is good"
    assert count_edits(server) == before and webhook.get("/records") == []
    others = [endpoint(f"n{number}.example.com", "TXT", f"text {number}") for number in range(20)]
    webhook.apply(create=[*others[:7], *(raw for raw, _ in BAD), GOOD, *others[7:]])
    assert server.addresses("good.example.com") == ["192.0.2.9"] and len(webhook.get("/records")) == 21
    assert all(texts(server, raw["dnsName"]) for raw in others) and count_edits(server) - before <= 2
    said = webhook.log.read_text()
    assert all(why in said for _, why in BAD), said[-3000:]
    old = [endpoint("n1.example.com", "TXT", "text 1"), endpoint("n2.example.com", "TXT", "text 2")]
    new = [endpoint("n1.example.com", "TXT", '"' + "x" * 300 + '"'), endpoint("n2.example.com", "TXT", "other")]
    webhook.apply(updateOld=old, updateNew=new)
    assert texts(server, "n1.example.com") == {'"text 1"'} and texts(server, "n2.example.com") == {'"other"'}


def test_whose_wildcards_and_the_apex_are(server, start):
    webhook = start()
    wanted = webhook.adjust(*owned("*.app.example.com", "a", "192.0.2.10"), *owned("example.com", "a", "192.0.2.11"),
                            endpoint("a-*.app.example.com", "TXT", OWNED.format("a")))
    assert {raw["dnsName"] for raw in wanted} == {"*.app.example.com", "a-*.app.example.com", "example.com", "a-example.com"}
    webhook.apply(create=wanted)
    assert server.addresses("x.app.example.com") == ["192.0.2.10"] and server.addresses("example.com") == ["192.0.2.11"]
    assert texts(server, "a-*.app.example.com") == texts(server, "a-_apex.example.com") == {OWNED.format("a")}
    assert texts(server, "a-x.app.example.com") == set(), "it is no wildcard"
    assert {raw["dnsName"] for raw in webhook.get("/records")} == {raw["dnsName"] for raw in wanted}
    assert webhook.adjust(endpoint("a-example.com", "A", "192.0.2.1")) == [], "which is another zone"
    webhook.apply(delete=wanted)
    assert webhook.get("/records") == [] and server.addresses("example.com") == []


def test_malformed_requests(server, start):
    webhook = start()
    for body in (b"{", b"[]", b'"x"', b"null", b'{"create": 5}', b'{"create": [5]}', b'{"creates": []}', b"[" * 100000,
                 b'{"create": [{"dnsName": "a.example.com", "providerSpecific": [1]}]}', b"\xff\xfe"):
        assert webhook.request("POST", "/records", body).status == 400, body[:40]
        assert webhook.request("POST", "/adjustendpoints", b"{}").status == 400
    assert webhook.request("GET", "/nothing").status == 404 and webhook.request("PUT", "/records", b"{}").status == 404
    assert webhook.request("GET", "/records", Accept="application/json").status == 406
    assert webhook.request("POST", "/records", b"{}", **{"Transfer-Encoding": "chunked"}).status in (400, 411)
    assert webhook.request("POST", "/records", b"{}").status == 204 and "defect" not in webhook.log.read_text()


def test_a_connection_is_kept(server, start):
    """As external-dns does: one connection for a round, whatever the answers are."""
    webhook = start()
    connection = http.client.HTTPConnection("127.0.0.1", webhook.port, timeout=kit.PATIENCE_S)
    connection.connect()
    socket = connection.sock
    for method, path, body, status in (("GET", "/", None, 200), ("POST", "/records", b"{", 400), ("GET", "/records", None, 200),
                                       ("POST", "/adjustendpoints", b"[]", 200), ("POST", "/records", b"{}", 204), ("GET", "/records", None, 200)):
        connection.request(method, path, body, {"Content-Type": MEDIA_TYPE} if body else {"Accept": MEDIA_TYPE})
        reply = connection.getresponse()
        assert (reply.status, bool(reply.read())) == (status, status != 204)
        assert connection.sock is socket, "it was opened anew"
    connection.close()


SCRAPS = st.sampled_from(["", "a", "www.example.com", "192.0.2.1", "2001:db8::1", "A", "TXT", "\0", "é" * 70, "*" * 300, '"x', "\\", "(", "a;b", "10 a",
                          "x" * 70000, "webhook/steerd-az", "webhook/steerd-tiers", "webhook/steerd-weight", "+,+,"])
JUNK = st.recursive(st.none() | st.booleans() | st.integers(-1, 2**70) | st.floats(allow_nan=False) | SCRAPS,
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCRAPS, inner, max_size=3), max_leaves=6)
ODD = st.fixed_dictionaries({"dnsName": st.just("www.example.com") | JUNK, "recordType": st.sampled_from(["A", "TXT", "CNAME", "MX", "SRV", "CAA"]) | JUNK,
                             "targets": st.lists(SCRAPS, min_size=1, max_size=2) | JUNK},
                            optional={"setIdentifier": JUNK, "recordTTL": JUNK, "providerSpecific": JUNK | st.lists(st.fixed_dictionaries(
                                {"name": SCRAPS, "value": JUNK}), max_size=2)})
BODIES = JUNK | st.lists(ODD, max_size=2) | st.dictionaries(st.sampled_from(["create", "updateOld", "updateNew", "Delete", "more"]), st.lists(ODD, max_size=2) | JUNK, max_size=2)


def test_whatever_is_sent_is_answered(server, start):
    webhook, seen = start(), set()

    @settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(st.sampled_from(["/records", "/adjustendpoints"]), BODIES)
    def send(path, body):
        reply = webhook.request("POST", path, json.dumps(body).encode())
        assert reply.status in (200, 204, 400, 500) and b"defect" not in reply.body, (body, reply)
        seen.add(reply.status)
        if reply.status == 204:
            assert webhook.get("/records") is not None
    send()
    assert seen == {200, 204, 400, 500} and "defect" not in webhook.log.read_text()


def test_steerd_is_away_or_its_files_own(scene, server, start):
    webhook = start()
    server.stop()
    assert webhook.request("GET", "/records").status == 503 and webhook.request("POST", "/records", {"create": [GOOD]}).status == 503
    assert webhook.request("GET", "/healthz", port=webhook.exposed).status == 200, "starting it anew would help nobody"
    del scene.server["documents"]
    again = scene.start()
    reply = webhook.apply(status=503, create=[GOOD])
    assert "belong to their files" in reply.json["detail"] and again.addresses("good.example.com") == []


def test_a_dry_run(server, start):
    webhook, before = start(US, "--dry-run"), count_edits(server)
    webhook.apply(create=[GOOD])
    assert count_edits(server) == before and server.addresses("good.example.com") == []
    assert "good.example.com" in webhook.log.read_text()


# ---- from elsewhere ----

def test_by_tls_with_a_token(scene):
    scene.pki = gatekit.make_pki(scene)
    port = kit.find_port("127.0.0.1")
    scene.server["admin"]["listen"] = [{"address": f"127.0.0.1:{port}", "certificate": scene.pki.good_pem, "key": scene.pki.good_key}]
    server, token = scene.start(), scene.folder / "token"
    server.wait(lambda: all(d["revision"] for d in server.get("/v1/config")["documents"]), "files are taken over")
    at = ("--url", f"https://127.0.0.1:{port}", "--ca", scene.pki.root_pem, "--token-file", str(token))
    webhook = Webhook(scene, US, at=at)
    scene.webhooks.append(webhook)
    assert webhook.apply(status=503, create=[GOOD]).json["detail"].endswith("token'"), "no token yet"
    token.write_text(server.request("POST", "/v1/tokens", {"name": "look", "role": "operator"}).json["secret"])
    assert "forbidden" in webhook.apply(status=500, create=[GOOD]).json["detail"]
    token.write_text(server.request("POST", "/v1/tokens", {"name": "k8s", "role": "editor"}).json["secret"])
    webhook.apply(create=[GOOD])
    assert server.addresses("good.example.com") == ["192.0.2.9"]
    entry = [item for item in server.get("/v1/journal?limit=1000")["items"] if item["kind"] == "document"][0]
    assert entry["peer"] == "token:k8s"


# ---- sudden ends, much at once, and any order ----

def test_all_or_nothing_of_a_plan(scene, server, start):
    """kill -9 at any moment of a plan: endpoint, name and text are there, or none of them."""
    chance, outcomes = random.Random(7), []
    for number in range(12):
        webhook = start()
        plan = owned(f"k{number}.example.com", "a", "192.0.2.10", "192.0.2.11") + owned(f"k{number}.example.net", "a", "192.0.2.12")
        connection = http.client.HTTPConnection("127.0.0.1", webhook.port)
        connection.request("POST", "/records", json.dumps({"create": plan}), {"Content-Type": MEDIA_TYPE})
        time.sleep(chance.uniform(0, 0.04))
        webhook.close()
        connection.close()
    webhook = start()
    server.request("PATCH", f"/v1/config/endpoints/web-{US}", {"weight": 2})  # behind whatever was under way
    found = webhook.records()
    for number in range(12):
        there = [key for key in found if f"k{number}.example." in key[0]]
        assert len(there) in (0, 4), (number, there)
        assert (set(server.sample(f"k{number}.example.com", 30)) == {"192.0.2.10", "192.0.2.11"}) == bool(there)
        outcomes.append(len(there))
    print(f"of 12 plans {sorted(outcomes)}")


@pytest.mark.parametrize("count", [int(os.environ.get("EXTERNAL_DNS_NAMES", "500"))])
def test_a_full_sync_is_one_edit(server, start, count):
    webhook, before = start(US, "--checks", "web"), server.get("/v1/status")["generation"]
    raws = [raw for n in range(count) for raw in owned(f"s{n}.example.com", "a", f"10.0.{n // 250}.{n % 250 + 1}")]
    began = time.monotonic()
    wanted = webhook.adjust(*raws)
    adjusted = time.monotonic()
    webhook.apply(create=wanted)
    applied = time.monotonic()
    assert server.get("/v1/status")["generation"] == before + 1 and len(webhook.get("/records")) == 2 * count
    print(f"{count} names with their texts: adjusted in {adjusted - began:.2f} s, applied in {applied - adjusted:.2f} s, "
          f"told in {time.monotonic() - applied:.2f} s")
    assert server.addresses(f"s{count - 1}.example.com") == [raws[-2]["targets"][0]]
    webhook.apply(delete=wanted)
    assert webhook.get("/records") == [] and server.addresses("s0.example.com") == []
    assert [item["name"] for item in server.get("/v1/config/zones/example.com/names")["items"]] == ["own"]


NAMES = ("www.example.com", "example.com", "*.example.com", "www.example.net")
RECORDS = st.tuples(st.sampled_from(NAMES), st.sampled_from(["A", "AAAA", "TXT", "CAA"]), st.sampled_from(["", "x", "y"]),
                    st.sets(st.integers(1, 3), min_size=1), st.sampled_from([0, 30, 600]), st.sampled_from(["", "3"]))
PLANS = st.lists(st.tuples(st.integers(0, 1), st.lists(RECORDS, max_size=4), st.lists(st.integers(0, 99), max_size=3)), min_size=3, max_size=8)
TARGETS = {"A": "192.0.2.{}", "AAAA": "2001:db8::{}", "TXT": "\"text {}\"", "CAA": "0 issue \"ca{}.example\""}


def write(name, rtype, identifier, numbers, ttl, weight):
    properties = {"steerd_weight": weight} if weight and rtype in ("A", "AAAA") else {}
    return endpoint(name, rtype, *sorted(TARGETS[rtype].format(number) for number in numbers), **properties,
                    **({"setIdentifier": identifier} if identifier else {}), **({"recordTTL": ttl} if ttl else {}))


def as_key(raw):
    return raw["dnsName"], raw["recordType"], raw.get("setIdentifier", "")


def test_any_plans_are_what_is_told(scene, server, start):
    """Whatever plans two clusters make in turn, each is told exactly what it has made, and the DNS has all of it."""
    webhooks, models = [start(US), start(EU)], [{}, {}]

    def expect(rtype, name):
        return {target for model in models for key, raw in model.items() if key[:2] == (name, rtype) for target in raw["targets"]}

    @settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(PLANS)
    def run(plans):
        for who, records, gone in plans:
            model, webhook = models[who], webhooks[who]
            new = {as_key(raw): raw for raw in webhook.adjust(*[write(*record) for record in records])}
            keys = sorted(set(model) - set(new))
            delete = [model[keys[number % len(keys)]] for number in gone] if keys else []
            webhook.apply(create=[raw for key, raw in new.items() if key not in model], delete=delete,
                          updateOld=[model[key] for key in new if key in model], updateNew=[raw for key, raw in new.items() if key in model])
            for raw in delete:
                model.pop(as_key(raw), None)
            model.update(new)
            told = {as_key(raw): raw for raw in webhook.get("/records")}
            assert told == model
        for name in NAMES:
            owner = name.replace("*", "any-label")
            for rtype in ("TXT", "CAA"):
                assert texts(server, owner, rtype) == expect(rtype, name), (name, rtype)
            for rtype in ("A", "AAAA"):
                found = {address for _ in range(6) for address in server.addresses(owner, rtype)}
                assert found <= expect(rtype, name) and bool(found) == bool(expect(rtype, name)), (name, rtype)
    run()
