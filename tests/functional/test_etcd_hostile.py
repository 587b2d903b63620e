# SPDX-License-Identifier: BSD-3-Clause
"""What answers at the address of etcd is broken, or means ill: steerd goes on answering and flipping in bounded memory, and is a node
again as soon as it is etcd that answers."""
import contextlib
import json
import os
import signal
import time

import clusterkit
import etcdfront
import etcdkit
import kit
import pytest
from clusterkit import desired, order
from etcdfront import LOGIN, RANGE, WATCH, chunk, encode, hang, lines, pour, say

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")

TIMED_OUT, PROTOCOL = -110, -71
HEAD = '"header":{"cluster_id":"1","member_id":"1","revision":"%s","raft_term":"2"}'
LAST = 2 ** 63 - 1
MOST = 4_000_000_000 if etcdkit.is_sanitized() else 400_000_000  # octets of either process


def txn(kvs, revision=5):
    return "{" + HEAD % revision + ',"succeeded":true,"responses":[{"response_range":{"kvs":[' + ",".join(kvs) + "]}}]}"


def kv(key, value="", revision=5):
    return f'{{"key":"{encode(key)}","value":"{encode(value)}","mod_revision":"{revision}","create_revision":"1","version":"1"}}'


def news(*events, revision=9, more=""):
    return '{"result":{' + HEAD % revision + more + ',"events":[' + ",".join(f'{{"kv":{event}}}' for event in events) + "]}}"


BEGUN = '{"result":{' + HEAD % 9 + ',"created":true}}'
KEY = "/steerd/prod/"

EVERYWHERE = {  # whatever is asked
    "no http": lambda connection: connection.sendall(os.urandom(65536)),
    "a head without an end": pour(b"X-More: " + b"x" * 60000 + b"\r\n", head=b"HTTP/1.1 200 OK\r\n"),
    "continue, for ever": pour(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, head=b""),
    "nothing": say(""),
    "html": say("<html>Welcome</html>", kind="text/html"),
    "cut short": say(txn([kv("key", "x" * 1000)])[:700]),
    "less than it says": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"),
    "deep": say("[" * 3_000_000),
    "twice": say("{" + (HEAD % 5 + ",") * 2 + '"succeeded":true,"succeeded":false}'),
    "of other types": say('{"header":[],"succeeded":"yes","responses":{"a":[1]}}'),
    "wrong base64": say(txn(['{"key":"A","value":"====","mod_revision":"1"}'])),
    "no text": say(txn([kv(b"\xff\xfe\0", b"\0\xff" * 1000)])),
    "of the last revision": say(txn([kv("key")], LAST)),
    "of the last change": say(txn([kv("key", revision=LAST)])),
    "of no revision": say(txn([kv("key")], -5)),
    "a value of 7 MB": say(txn([kv("key", "x" * 5_000_000)])),
    "a value of 20 MB": say(txn([kv("key", "x" * 15_000_000)])),
    "60,000 keys": say(txn([kv(f"{KEY}node/{number}", "x") for number in range(60_000)])),
    "a million keys": say(txn([kv(f"{number:06}") for number in range(1_000_000)])),
    "without an end": pour(chunk(b" " * 65536)),
    "an answer without an end": pour(chunk(b'{"a":[' + b"0," * 30000)),
    "a drop at a time": pour(chunk(b" "), pause_s=0.05),
    "500, with much behind it": say("x" * 30_000_000, status="500 Internal Server Error"),
    "refused, in long words": say(json.dumps({"error": "\u001b[31m" + "no" * 20000, "code": 14}), status="503 Service Unavailable"),
    "an error of no kind": say('{"error":{"grpc_code":"x","message":[1]},"code":1e300}'),
    "never": hang,
}

WATCHED = {  # of a watch alone; the rest is as etcd says it
    "nonsense": lines("nonsense"),
    "a line without an end": pour(chunk(b"x" * 65536)),
    "begun, for ever": pour(chunk((BEGUN + "\n").encode() * 500)),
    "lines without an end": pour(chunk((news() + "\n").encode() * 500)),
    "cancelled": lines(BEGUN, '{"result":{' + HEAD % 9 + ',"canceled":true}}'),
    "cancelled at once, again and again": lines('{"result":{' + HEAD % 9 + ',"created":true,"canceled":true}}', then=etcdfront.close),
    "compacted, again and again": lines(BEGUN, '{"result":{' + HEAD % 9 + ',"canceled":true,"compact_revision":"8"}}', then=etcdfront.close),
    "revisions that go back": lines(BEGUN, news(kv("a", revision=9)), news(kv("a", revision=2)), news(kv("a", revision=1), revision=1)),
    "the last revision there can be": lines(BEGUN, news(kv("a", revision=LAST)), news(kv("a", revision=LAST - 1), revision=LAST - 1)),
    "each twice": lines(BEGUN, *[news(kv(f"{KEY}head", "{}", revision=10))] * 2),
    "entries that are none": lines(BEGUN, news(*[kv(f"{KEY}entry/{number:020}", "nonsense", revision=20 + number) for number in range(60)])),
    "what is of nobody": lines(BEGUN, news(*[kv(f"/other/{number}", "x" * 100, revision=20) for number in range(1000)])),
    "pieces without an end": lines(BEGUN, then=pour(chunk((news(kv("a", "x" * 40000), more=',"fragment":true') + "\n").encode()), head=b"")),
    "a million changes": lines(BEGUN, *[news(*[kv(f"{KEY}node/{number}", revision=10 + turn) for number in range(1000)]) for turn in range(1000)]),
    "nothing at all": lines(),
}


class Scene:
    """A node whose etcd is behind a front."""

    def __init__(self, stack):
        self.etcd = stack.enter_context(etcdkit.Etcd())
        self.front = stack.enter_context(etcdfront.Front(self.etcd.urls[0]))
        self.urls, self.members = [self.front.url], self.etcd.members
        self.cluster = clusterkit.Cluster(stack, 1, etcd=self).start()
        self.node = self.cluster.nodes["ns1"]
        self.cluster.report_all()

    def __enter__(self):
        return self

    def flip(self):
        """Away from us-east by a verdict, and back."""
        at, node = self.cluster.at, self.node
        for state, region in (("down", "eu-west"), ("up", "us-east")):
            for az in "us-east-1a", "us-east-1b":
                assert node.request("POST", "/v1/report", {"endpoint": f"web-{az}", "check": "web", "state": state}).status == 200
            node.wait_answers("www.example.com", {at[f"{region}-1a"], at[f"{region}-1b"]})

    def find_helper(self):
        return etcdkit.find_program(self.node.process.pid)

    def check_memory(self):
        assert etcdkit.find_memory(self.node.process.pid, "VmHWM") < MOST
        helper = self.find_helper()
        if helper is not None:
            with contextlib.suppress(FileNotFoundError, StopIteration):
                assert etcdkit.find_memory(helper, "VmHWM") < MOST

    def be_hostile(self, judge, count=3, end=lambda scene: None):
        self.front.judge = judge
        try:
            self.front.wait_judged(count)
            self.flip()
            reply = order(self.node, "azs/us-east-1a", "drain", emergency=True)
            assert reply.status == 200, reply
            assert desired(self.node, "azs/us-east-1a") == "drain"
        finally:
            self.front.judge = lambda path, body: None
        self.check_memory()
        end(self)
        self.cluster.wait_phase("ns1", "following")
        self.node.wait(lambda: self.node.get("/v1/cluster")["pending"] == 0, "nothing is pending")
        self.node.wait(lambda: order(self.node, "azs/us-east-1a", "auto").status == 200, "orders are written again")
        self.node.assert_no_defect()


@pytest.fixture(scope="module", name="scene")
def fixture_scene():
    with contextlib.ExitStack() as stack:
        yield Scene(stack)


@pytest.mark.parametrize("what", EVERYWHERE)
def test_whatever_is_asked(scene, what):
    scene.be_hostile(lambda path, body: EVERYWHERE[what])


@pytest.mark.parametrize("what", WATCHED)
def test_what_a_watch_is_told(scene, what):
    kill(scene)  # else the one that stands would go on
    scene.be_hostile(lambda path, body: WATCHED[what] if path == WATCH else None, 1, kill if "without an end" in what else lambda _: None)


def kill(scene):
    helper = scene.find_helper()
    if helper is not None:
        os.kill(helper, signal.SIGKILL)


def test_nobody_is_sent_elsewhere(scene):
    """A redirection is none: what is for etcd goes to whom the configuration names."""
    with etcdfront.Front() as trap:
        for status in "301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect":
            scene.be_hostile(lambda path, body, status=status: say("", status=status, more=f"Location: {trap.url}{path}\r\n"))
        assert not trap.counts


def test_a_start_beside_it():
    """Who begins there answers, and flips."""
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(etcdkit.Etcd())
        front = stack.enter_context(etcdfront.Front(etcd.urls[0]))
        front.urls = [front.url]
        front.judge = lambda path, body: EVERYWHERE["a value of 7 MB"]
        cluster = clusterkit.Cluster(stack, 1, etcd=front)
        cluster.nodes["ns1"] = node = cluster.sites["ns1"].start()
        front.wait_judged(3)
        cluster.report_all()
        node.wait_answers("www.example.com", {cluster.at["us-east-1a"], cluster.at["us-east-1b"]})
        front.judge = lambda path, body: None
        cluster.wait_phase("ns1", "following")


# ---- to the client of etcd alone ----


@pytest.fixture(name="front")
def fixture_front():
    with etcdfront.Front() as front:
        yield front


def test_each_change_once(front):
    """Whatever etcd says twice."""
    front.judge = lambda path, body: lines(BEGUN, news(kv("k/a", "1", 10)), news(kv("k/a", "1", 10)), news(kv("k/b", "2", 9), kv("k/b", "3", 11)),
                                           news(kv("k/a", "1", 10)), news(kv("k/c", "4", 12)))
    with etcdkit.Client(urls=[front.url]) as client:
        number = client.watch("k/", 9)
        kit.wait_for(lambda: client.changes(number)[-1:] and client.changes(number)[-1]["mod"] == 12, "the last one")
        assert [(change["key"], change["mod"]) for change in client.changes(number)] == [("k/a", 10), ("k/b", 11), ("k/c", 12)]


def test_a_beat_that_gets_no_token(front):
    """Of a watch that stands: it goes on asking whether its member is there, and notices when that is not so any more."""
    state = {"is_known": True, "is_gone": False}
    refused = say('{"error":"etcdserver: invalid auth token","code":16}', status="401 Unauthorized")

    def judge(path, body):
        if path == WATCH:
            return etcdfront.close if state["is_gone"] else lines(BEGUN)
        if path == LOGIN:
            return say('{"header":{},"token":"abc.1"}') if state["is_known"] else say(
                '{"error":"etcdserver: authentication failed, invalid user ID or password","code":3}', status="400 Bad Request")
        return etcdfront.close if state["is_gone"] else say("{" + HEAD % 9 + "}") if state["is_known"] else refused
    front.judge = judge
    with etcdkit.Client(urls=[front.url], user="ns1", password="word") as client:
        number = client.watch("k/")
        client.wait_told(number, "begun")
        helper = client.find_program()
        for _ in range(2):
            state["is_known"] = False
            before = front.counts[LOGIN]
            kit.wait_for(lambda before=before: front.counts[LOGIN] > before, "a beat wants a token")
            state["is_known"] = True
            before = front.counts[RANGE]
            kit.wait_for(lambda before=before: front.counts[RANGE] > before + 1, "beats go on")
        assert client.told(number, "lost") == []
        state["is_gone"] = True
        client.wait_told(number, "lost")
        assert client.find_program() == helper


def test_a_login_that_is_too_late(front):
    """Its time is over between two members: who comes next gets a token all the same."""
    with etcdfront.Front() as other:
        say_token = say('{"header":{},"token":"abc.1"}')
        front.judge = other.judge = lambda path, body: hang if path == LOGIN else None
        with etcdkit.Client(urls=[front.url, other.url], user="ns1", password="word") as client:
            client.set_deadline(1000)
            number = client.ask("get", "key")
            kit.wait_for(lambda: front.counts[LOGIN] + other.counts[LOGIN], "a login is under way")
            helper = client.find_program()
            for pid in client.process.pid, helper:  # the way is awaited by neither
                os.kill(pid, signal.SIGSTOP)
            time.sleep(3.5)
            for pid in helper, client.process.pid:
                os.kill(pid, signal.SIGCONT)
            assert client.wait(number)["error"] == TIMED_OUT
            front.judge = other.judge = lambda path, body: say_token if path == LOGIN else say(txn([kv("key", "x")]))
            client.set_deadline(20000)
            assert client.good("get", "key")["kvs"][0]["value"] == "x"
            assert client.find_program() == helper


@pytest.mark.parametrize("what", ["answer", "watch"])
def test_a_certificate_of_a_new_authority(tmp_path, what):
    """The file of the old one was replaced, so that is in force, for whoever connects next."""
    old, new = etcdkit.Authority(tmp_path, "old"), etcdkit.Authority(tmp_path, "new")
    ca = tmp_path / "trusted.pem"
    ca.write_text(old.path("old").read_text())
    pairs = []
    with etcdfront.Front(certificate=(old.path("old"), old.path("old", "key"))) as front:
        for authority in old, new:
            authority.sign(f"member-{authority.name}", front.address[0])
            pairs.append((authority.path(f"member-{authority.name}"), authority.path(f"member-{authority.name}", "key")))
        front.show(pairs[0])
        front.judge = lambda path, body: lines(BEGUN, then=etcdfront.close) if path == WATCH else say(txn([kv("key", "x")]))
        with etcdkit.Client(urls=[front.url], ca=ca) as client:
            client.good("get", "key")
            front.show(pairs[1])
            assert client.do("get", "key")["error"] == PROTOCOL
            ca.write_text(new.path("new").read_text())
            if what == "answer":
                client.good("get", "key")
            else:
                client.wait_told(client.watch("key"), "begun")
