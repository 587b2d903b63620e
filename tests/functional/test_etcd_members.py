# SPDX-License-Identifier: BSD-3-Clause
"""src/etcd beside an etcd of three members that die, stop and come back; TLS; etcd's users; and what stands in front of a member and
swallows answers."""
import collections
import contextlib
import http.server
import os
import random
import signal
import threading
import time

import etcdkit
import kit
import pytest
import seeds

NOT_FOUND, CONFLICT, INVALID = -1998, -1997, -1999
REFUSED, TIMED_OUT, AGAIN, DENIED, RESET, PROTOCOL = -111, -110, -11, -13, -104, -71


@pytest.fixture(name="trio")
def fixture_trio():
    with etcdkit.Etcd(3) as etcd:
        yield etcd


def put_until_good(client, key, value):
    """As somebody would who has to get it through: again and again, until etcd has it."""
    kit.wait_for(lambda: client.do("put", key, value)["error"] == 0, f"{key} is written")


def count_up(client, number, turns):
    """Every value of the key, in order, is told exactly once by the watch."""
    kit.wait_for(lambda: len(client.changes(number)) >= turns, f"{turns} changes")
    return [change["value"] for change in client.changes(number)]


def find_member(etcd, endpoint):
    return etcd.members[etcd.urls.index(endpoint)]


@pytest.mark.parametrize("how", ["killed", "stopped", "leader"])
def test_a_member_is_lost(trio, how):
    """The one that is asked (and is not the leader, or is): requests go to the others, the watch goes on there without a gap, and
    nothing is heard twice."""
    with etcdkit.Client(trio) as client:
        client.set_deadline(10000)
        number = client.watch("m/")
        client.wait_told(number, "begun")
        client.good("put", "m/key", "0")
        leader = trio.find_leader()
        lost = find_member(trio, client.status()["endpoint"])
        if how == "leader":
            lost = leader
        elif lost is leader:
            trio.ctl("move-leader", next(iter(member_ids(trio, but=leader))))
        (lost.stop if how == "stopped" else lost.kill)()
        rest = [member for member in trio.members if member is not lost]
        put_until_good(client, "m/key", "1")
        trio.ctl("put", "m/key", "2", members=rest)
        kit.wait_for(lambda: client.changes(number) and client.changes(number)[-1]["value"] == "2", "the watch tells it")
        assert client.good("get", "m/key")["endpoint"] != lost.url
        found = [change["value"] for change in client.changes(number)]
        assert found[0] == "0" and found[-1] == "2" and set(found[1:-1]) == {"1"}
        revisions = [change["mod"] for change in client.changes(number)]
        assert revisions == sorted(set(revisions))
        if how == "stopped":
            lost.go_on()
        else:
            lost.restart()
        trio.wait()
        put_until_good(client, "m/key", "3")
        kit.wait_for(lambda: client.changes(number)[-1]["value"] == "3", "the watch still tells")


def member_ids(etcd, but):
    for line in etcd.ctl("member", "list").splitlines():
        words = [word.strip() for word in line.split(",")]
        if words[2] != but.name:
            yield words[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: network namespaces")
def test_a_member_is_cut_off():
    """Nothing is refused, nothing comes: the watch goes on elsewhere, and so does what is asked."""
    network = kit.Network()
    try:
        addresses = ["10.9.1.2", "10.9.1.1", "10.9.1.1"]
        enter = lambda number: network.far() if number == 0 else contextlib.nullcontext()
        with etcdkit.Etcd(3, addresses=addresses, enter=enter) as etcd, etcdkit.Client(etcd) as client:
            client.set_deadline(10000)
            number = client.watch("x/")
            client.wait_told(number, "begun")
            assert client.status()["endpoint"] == etcd.urls[0]
            with network.far():
                kit.run_ip("link", "set", "up1", "down")
            client.wait_told(number, "lost")
            client.wait_told(number, "begun", 2)
            put_until_good(client, "x/key", "1")
            client.wait_told(number, "changed")
            assert client.status()["endpoint"] in etcd.urls[1:]
            assert client.good("get", "x/key")["endpoint"] in etcd.urls[1:]
    finally:
        network.close()


def test_an_election(trio):
    """Who follows has no leader for a moment: its watch stands all the while. (An election that takes longer is another one's test.)"""
    def elect():
        leader = trio.find_leader()
        with etcdkit.Client(urls=[member.url for member in trio.members if member is not leader]) as client:
            client.set_deadline(1000)
            number = client.watch("l/")
            client.wait_told(number, "begun")
            leader.kill()
            put_until_good(client, "l/key", "1")
            kit.wait_for(lambda: client.changes(number), "a change")
            stood = client.told(number, "lost") == []
        leader.restart()
        trio.wait()
        return stood
    assert any(elect() for _ in range(5))


def test_no_quorum(trio):
    """Nobody leads: a request says so instead of waiting for ever, a watch that it is lost, and all goes on when there is one again."""
    with etcdkit.Client(trio) as client:
        client.set_deadline(3000)
        number = client.watch("q/")
        client.wait_told(number, "begun")
        client.good("put", "q/key", "before")
        for member in trio.members[1:]:
            member.kill()
        client.wait_told(number, "lost")
        answer = client.do("put", "q/key", "lost")
        assert answer["error"] in (AGAIN, TIMED_OUT) and answer["why"]
        answer = kit.wait_for(lambda: next((found for found in [client.do("put", "q/key", "lost")] if found["error"] == AGAIN), None), "no leader")
        assert "no leader" in answer["why"] and not answer["may_have_effect"]
        assert client.do("get", "q/key")["error"] in (AGAIN, TIMED_OUT)
        assert not client.status()["reached"]
        for member in trio.members[1:]:
            member.restart()
        trio.wait()
        put_until_good(client, "q/key", "after")
        kit.wait_for(lambda: client.changes(number)[-1]["value"] == "after", "the watch goes on")
        assert client.status()["reached"]


def test_nobody_is_there(trio):
    with etcdkit.Client(trio) as client:
        client.set_deadline(20000)
        number = client.watch("n/")
        client.wait_told(number, "begun")
        for member in trio.members:
            member.kill()
        answer = client.do("put", "n/key", "x")
        if answer["error"] == RESET:  # it was under way when the first one died
            answer = client.do("put", "n/key", "x")
        assert answer["error"] == REFUSED and not answer["may_have_effect"], answer
        assert client.do("get", "n/key")["error"] == REFUSED
        client.wait_told(number, "lost")
        for member in trio.members:
            member.restart()
        trio.wait()
        put_until_good(client, "n/key", "y")
        kit.wait_for(lambda: client.changes(number) and client.changes(number)[-1]["value"] == "y", "the watch goes on")


def test_a_member_that_cannot_be_reached(trio):
    """Nothing answers at an address of the list: the others do."""
    urls = ["http://127.0.0.1:9", "http://nowhere.invalid:2379", *trio.urls]
    with etcdkit.Client(trio, urls=urls) as client:
        number = client.watch("r/")
        client.wait_told(number, "begun")
        client.good("put", "r/key", "x")
        client.wait_told(number, "changed")
        assert client.status()["endpoint"] in trio.urls


def test_compacted_meanwhile():
    """A watch that was away for too long is over, and says so."""
    with etcdkit.Etcd() as etcd, etcdkit.Client(etcd) as client:
        number = client.watch("c/")
        client.wait_told(number, "begun")
        client.good("put", "c/key", "1")
        kit.wait_for(lambda: client.changes(number), "a change")
        helper = client.find_program()
        os.kill(client.process.pid, signal.SIGSTOP)
        os.kill(helper, signal.SIGKILL)
        for value in range(3):
            etcd.ctl("put", "c/key", value)
        etcd.ctl("compaction", etcd.ctl("get", "c/key", "-w", "json").split('"revision":')[1].split(",")[0])
        os.kill(client.process.pid, signal.SIGCONT)
        assert client.wait_told(number, "ended")["error"] == NOT_FOUND
        again = client.watch("c/")
        client.wait_told(again, "begun")


def test_emptied():
    """etcd has lost everything: the watch begins with a revision that is lower than what it told."""
    with etcdkit.Etcd() as etcd, etcdkit.Client(etcd) as client:
        number = client.watch("e/")
        client.wait_told(number, "begun")
        for value in range(5):
            last = client.good("put", "e/key", value)["revision"]
        kit.wait_for(lambda: len(client.changes(number)) == 5, "five changes")
        etcd.members[0].empty()
        etcd.wait()
        assert client.wait_told(number, "begun", 2)["revision"] < last


class Chaos:
    """Something dies, stops or is started again, before the next one dies."""

    def __init__(self, etcd, client, seed):
        self.etcd, self.client, self.random = etcd, client, random.Random(seed)
        self.down = None

    def mend(self):
        if self.down is not None:
            member, how = self.down
            (member.go_on if how == "stop" else member.restart)()
            self.down = None

    def step(self):
        if self.down is not None:
            self.mend()
            return
        how = self.random.choice(["stop", "kill", "program"])
        if how == "program":
            pid = self.client.find_program()
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        member = self.random.choice(self.etcd.members)
        getattr(member, how)()
        self.down = member, how


@pytest.mark.parametrize("seed", seeds.parse(os.environ.get("ETCD_SEEDS", ""), [1]))
def test_histories(trio, seed):
    """Each value is written by one request, nothing guards it: what was acknowledged is told by the watch exactly once, what may have had
    effect at most once, and what had none never, in one order; whatever died meanwhile."""
    with etcdkit.Client(trio) as client:
        client.set_deadline(1500)
        number = client.watch("h/")
        client.wait_told(number, "begun")
        chaos, answers = Chaos(trio, client, seed), {}
        for turn in range(12):
            asked = {client.ask("put", f"h/{value % 3}", f"{turn}-{value}"): f"{turn}-{value}" for value in range(20)}
            chaos.step()
            asked |= {client.ask("put", f"h/{value % 3}", f"{turn}-{value}"): f"{turn}-{value}" for value in range(20, 40)}
            answers |= {value: client.wait(one) for one, value in asked.items()}
        chaos.mend()
        trio.wait()
        put_until_good(client, "h/end", "end")
        kit.wait_for(lambda: "end" in [change["value"] for change in client.changes(number)], "the watch comes to the end")
        told = [change["value"] for change in client.changes(number)]
        counts = collections.Counter(told)
        wrong = {value: (answer["error"], counts[value]) for value, answer in answers.items()
                 if counts[value] not in ({1} if answer["error"] == 0 else {0, 1} if answer["may_have_effect"] else {0})}
        assert wrong == {}, wrong
        revisions = [change["mod"] for change in client.changes(number)]
        assert revisions == sorted(set(revisions))
        found = {value: change["mod"] for value, change in zip(told, client.changes(number))}
        assert all(found[value] == answer["revision"] for value, answer in answers.items() if answer["error"] == 0)
        errors = collections.Counter(answer["error"] for answer in answers.values())
        print(f"seed {seed}: {len(answers)} writes, by error {dict(errors)}; {len(client.told(number, 'lost'))} times lost")


# ---- TLS and users ----


@pytest.fixture(scope="module", name="secure")
def fixture_secure():
    with etcdkit.Etcd(tls=True) as etcd:
        yield etcd


def test_tls(secure):
    with etcdkit.Client(secure) as client:
        number = client.watch("t/")
        client.wait_told(number, "begun")
        client.good("fill", "t/key", 1 << 20)
        assert len(client.good("get", "t/key")["kvs"][0]["value"]) == 1 << 20
        kit.wait_for(lambda: client.changes(number), "a change")


def test_tls_is_refused(secure, tmp_path):
    """By an authority that is not ours, without a certificate of ours, with files that are none: never in plain text, and why is said."""
    strange = etcdkit.Authority(tmp_path, "strange")
    strange.sign("client")
    ours = {"ca": secure.authority.path("ca"), "certificate": secure.authority.path("client"), "key": secure.authority.path("client", "key")}
    cases = [({**ours, "ca": strange.path("strange")}, "certificate"),
             ({**ours, "certificate": "", "key": ""}, ""),
             ({**ours, "certificate": strange.path("client"), "key": strange.path("client", "key")}, ""),
             ({**ours, "ca": "/nowhere.pem"}, "nowhere.pem"),
             ({**ours, "key": "/nowhere.key"}, "")]
    for options, word in cases:
        with etcdkit.Client(urls=secure.urls, **options) as client:
            answer = client.do("get", "key")
            assert answer["error"] in (PROTOCOL, RESET, TIMED_OUT) and word in answer["why"] and answer["why"] and answer["endpoint"] == "", answer
    with etcdkit.Client(urls=[url.replace("https", "http") for url in secure.urls]) as client:
        assert client.do("get", "key")["error"] != 0


def test_users():
    """A token is got, got anew when etcd does not know it any more, and what a user may not do is told."""
    with etcdkit.Etcd() as etcd:
        etcd.ctl("user", "add", "root:rootword")
        etcd.ctl("user", "grant-role", "root", "root")
        etcd.ctl("role", "add", "steerd")
        etcd.ctl("role", "grant-permission", "steerd", "--prefix=true", "readwrite", "u/")
        etcd.ctl("user", "add", "ns1:word")
        etcd.ctl("user", "grant-role", "ns1", "steerd")
        etcd.ctl("put", "v/key", "secret")
        with etcdkit.Client(etcd, user="ns1", password="word") as early:
            early.good("put", "u/key", "before there are users")
            etcd.ctl("auth", "enable")
            etcd.user = "root:rootword"
            kit.wait_for(lambda: early.do("get", "u/key")["error"] == 0, "a token is got once one is wanted")
        with etcdkit.Client(etcd) as nobody:
            assert nobody.do("get", "u/key")["error"] == DENIED
            assert nobody.wait_told(nobody.watch("u/"), "ended")["error"] == DENIED
        with etcdkit.Client(etcd, user="ns1", password="wrong") as wrong:
            answer = wrong.do("get", "u/key")
            assert answer["error"] == DENIED and "authentication failed" in answer["why"] and "wrong" not in answer["why"]
        with etcdkit.Client(etcd, user="ns1", password="word") as client:
            number = client.watch("u/")
            client.wait_told(number, "begun")
            client.good("put", "u/key", "x")
            assert client.do("get", "v/key")["error"] == DENIED
            assert client.do("put", "v/key", "x")["error"] == DENIED
            assert client.wait_told(client.watch("v/"), "ended")["error"] == DENIED
            for turn in range(4):  # etcd forgets tokens; not by the first restart: it reads again what it has applied last
                etcd.members[0].restart()
                etcd.wait()
                put_until_good(client, "u/key", turn)
                kit.wait_for(lambda turn=turn: client.changes(number)[-1]["value"] == str(turn), "the watch goes on")
            assert client.told(number, "ended") == []


def test_a_user_whose_password_is_another_one_for_a_while():
    """Who waits for a token, a beat of a watch among them, hears that there is none; and all goes on once there is."""
    with etcdkit.Etcd() as etcd:
        etcd.ctl("user", "add", "root:rootword")
        etcd.ctl("user", "grant-role", "root", "root")
        etcd.ctl("role", "add", "steerd")
        etcd.ctl("role", "grant-permission", "steerd", "--prefix=true", "readwrite", "u/")

        def add(word):
            etcd.ctl("user", "add", "ns1:" + word)
            etcd.ctl("user", "grant-role", "ns1", "steerd")

        add("word")
        etcd.ctl("auth", "enable")
        etcd.user = "root:rootword"
        with etcdkit.Client(etcd, user="ns1", password="word") as client:
            client.good("put", "u/key", "before")
            number = client.watch("u/")
            client.wait_told(number, "begun")
            process = client.find_program()
            etcd.ctl("user", "delete", "ns1")
            add("another")
            kit.wait_for(lambda: client.do("put", "u/key", "not")["error"] == DENIED, "it is let in no more")
            time.sleep(3)  # beats come and go
            etcd.ctl("user", "delete", "ns1")
            add("word")
            put_until_good(client, "u/key", "after")
            again = client.watch("u/")
            client.wait_told(again, "begun")
            client.good("put", "u/key", "told")
            kit.wait_for(lambda: client.changes(again)[-1:] and client.changes(again)[-1]["value"] == "told", "a watch is told")
            assert client.find_program() == process, "steerd-etcd has died"


# ---- what is in between ----


class Swallower:
    """Takes requests, counts them, and does with each what `say` says: "answer" as etcd would, "hang" or "close"."""

    def __init__(self):
        outer = self
        self.bodies, self.say = [], "answer"

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.bodies.append((self.path, body, self.client_address))
                if outer.say == "close":
                    self.close_connection = True
                    return
                if outer.say == "hang":
                    time.sleep(kit.PATIENCE_S)
                    return
                text = b'{"header":{"revision":"5"},"succeeded":true}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(name="swallower")
def fixture_swallower():
    made = Swallower()
    yield made
    made.close()


@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
@pytest.mark.parametrize("how", ["close", "hang"])
def test_a_write_is_sent_once(swallower, how, kept):
    """Its answer is lost: nobody knows whether it has taken effect, so nobody is asked again, be it the same member or the next one. A
    connection that was kept is no different, though libcurl would try it once more."""
    other = Swallower()
    with etcdkit.Client(urls=[swallower.url, other.url]) as client:
        client.set_deadline(1500)
        if kept:
            client.good("put", "key", "first")
        swallower.say = how
        answer = client.do("put", "key", "second")
        assert answer["error"] == (RESET if how == "close" else TIMED_OUT) and answer["may_have_effect"], answer
        swallower.say = "answer"
        assert client.do("put", "key", "third")["error"] == 0
    paths = [path for path, _, _ in swallower.bodies + other.bodies]
    assert paths == ["/v3/kv/txn"] * (3 if kept else 2)
    other.close()


@pytest.mark.parametrize("how", ["close", "hang", "answer"])
def test_no_token(swallower, how):
    """Who is to give one does not, or gives none: a write was never sent, and that is said."""
    with etcdkit.Client(urls=[swallower.url], user="ns1", password="word") as client:
        client.set_deadline(2000)
        swallower.say = how
        answer = client.do("put", "key", "x")
        assert answer["error"] in (RESET, TIMED_OUT, PROTOCOL) and not answer["may_have_effect"], answer
    assert {path for path, _, _ in swallower.bodies} == {"/v3/auth/authenticate"}


def test_steerd_etcd_dies_amid_a_request(swallower):
    """What only reads is asked again, by the next one; of a write it is said that nobody knows."""
    with etcdkit.Client(urls=[swallower.url]) as client:
        client.set_deadline(30000)
        swallower.say = "hang"
        numbers = [client.ask("put", "key", "x"), client.ask("get", "key")]
        kit.wait_for(lambda: len(swallower.bodies) == 2, "both are under way")
        swallower.say = "answer"
        os.kill(client.find_program(), signal.SIGKILL)
        write, read = map(client.wait, numbers)
        assert write["error"] == RESET and write["may_have_effect"] and "ended" in write["why"]
        assert read["error"] == 0 and not read["may_have_effect"]
        assert len(swallower.bodies) == 3


def test_a_read_is_asked_elsewhere(swallower):
    other = Swallower()
    with etcdkit.Client(urls=[swallower.url, other.url]) as client:
        client.set_deadline(20000)
        client.good("get", "key")
        for how in "close", "hang":
            swallower.say = other.say = "answer"
            at = swallower if client.good("get", "key")["endpoint"] == swallower.url else other
            at.say = how
            answer = client.good("get", "key")
            assert answer["endpoint"] != at.url
    other.close()


def test_what_etcd_would_not_say(swallower):
    """A web server, say, at the address of etcd."""
    with etcdkit.Client(urls=[swallower.url]) as client:
        assert client.do("grant", 5)["error"] == PROTOCOL
        number = client.watch("key")
        client.wait_told(number, "lost")
        client.set_deadline(1000)
        swallower.server.RequestHandlerClass.do_POST = lambda self: self.send_error(404)
        assert client.do("get", "key")["error"] in (PROTOCOL, TIMED_OUT)


# ---- bounds ----


def count_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_descriptors(trio):
    """However often members come and go, and whatever is called off: as many as before."""
    with etcdkit.Client(trio) as client:
        client.set_deadline(2000)
        watch = client.watch("d/")
        client.wait_told(watch, "begun")
        client.good("get", "d/key")
        before = count_descriptors(client.process.pid)
        for turn in range(3):
            member = trio.members[turn]
            member.stop()
            numbers = [client.ask("get", "d/key") for _ in range(50)] + [client.watch("d/") for _ in range(10)]
            for number in numbers[::2]:
                client.say("off", number)
            for number in numbers[1:50:2]:
                client.wait(number)
            for number in numbers[50:]:
                client.say("off", number)
            member.go_on()
            trio.wait()
        kit.wait_for(lambda: client.do("get", "d/key")["error"] == 0, "etcd answers")
        kit.wait_for(lambda: count_descriptors(client.find_program()) <= 4 + 16 + 4, "as many descriptors as connections that are kept, at most")
        assert count_descriptors(client.process.pid) <= before + 2


def test_memory():
    """A steerd that takes nothing more, while 60 MB come: steerd-etcd leaves them with etcd. Then all of them come."""
    with etcdkit.Etcd() as etcd, etcdkit.Client(etcd) as client, etcdkit.Client(etcd) as writer:
        client.say("brief")
        number = client.watch("b/")
        client.wait_told(number, "begun")
        helper = client.find_program()
        before = etcdkit.find_memory(helper)
        os.kill(client.process.pid, signal.SIGSTOP)
        writer.set_deadline(20000)
        for key in range(60):
            writer.good("fill", f"b/{key}", 1_000_000)
        grown = etcdkit.find_memory(helper) - before
        os.kill(client.process.pid, signal.SIGCONT)
        kit.wait_for(lambda: len(client.changes(number)) == 60, "all of them")
        assert [change["key"] for change in client.changes(number)] == [f"b/{key}" for key in range(60)]
        assert client.told(number, "lost") == []
        assert grown < (400_000_000 if etcdkit.is_sanitized() else 60_000_000), grown
