# SPDX-License-Identifier: BSD-3-Clause
"""dns checks against real servers, and against whatever may come instead: each way to fail has its own outcome, within the
time-out, and none spins."""
import os
import shutil
import socket
import subprocess
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

import kit
from test_https import look, wait_outcomes

KNOT = shutil.which("knotd", path="/usr/sbin:/usr/bin")
QUERY = {"name": "www.example.com.", "type": "A"}


class Liar:
    """A nameserver whose replies are what `answer` makes of a query: messages, octets, or nothing. `over_tcp` likewise for TCP;
    None: nobody listens there. `aside`: from another port than it was asked at."""

    def __init__(self, answer, over_tcp=None, aside=False, repeat=1):
        self.address, self.answer, self.over_tcp, self.repeat = "127.0.0.1", answer, over_tcp, repeat
        self.port = kit.find_port(self.address)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((self.address, self.port))
        self.aside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM) if aside else self.udp
        self.udp_asked = self.tcp_asked = 0
        self.ids = []
        self.closing = False
        self.tcp = None
        threading.Thread(target=self.serve_udp, daemon=True).start()
        if over_tcp is not None:
            self.tcp = socket.create_server((self.address, self.port))
            threading.Thread(target=self.serve_tcp, daemon=True).start()

    def serve_udp(self):
        while not self.closing:
            wire, peer = self.udp.recvfrom(4096)
            if self.closing or not wire:
                return
            query = dns.message.from_wire(wire)
            self.udp_asked += 1
            self.ids.append(query.id)
            for reply in self.replies(self.answer, query):
                for _ in range(self.repeat):
                    self.aside.sendto(reply, peer)

    def serve_tcp(self):
        try:
            while True:
                connection, _ = self.tcp.accept()
                threading.Thread(target=self.talk, args=(connection,), daemon=True).start()
        except OSError:
            pass

    def talk(self, connection):
        try:
            with connection:
                size = int.from_bytes(connection.recv(2, socket.MSG_WAITALL), "big")
                query = dns.message.from_wire(connection.recv(size, socket.MSG_WAITALL))
                self.tcp_asked += 1
                for reply in self.replies(self.over_tcp, query):
                    framed = len(reply).to_bytes(2, "big") + reply
                    for at in range(0, len(framed), 7):
                        connection.sendall(framed[at:at + 7])
                if self.over_tcp is silent:
                    connection.recv(1)
        except (OSError, dns.exception.DNSException):
            pass

    @staticmethod
    def replies(answer, query):
        made = answer(query)
        return [each if isinstance(each, bytes) else each.to_wire() for each in (made if isinstance(made, list) else [made])]

    def close(self):
        self.closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self.address, self.port))
        if self.tcp is not None:
            self.tcp.shutdown(socket.SHUT_RDWR)
            self.tcp.close()


def good(query, *addresses):
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    name = query.question[0].name
    reply.answer.append(dns.rrset.from_text_list(name, 5, "IN", "A", addresses or ["192.0.2.1", "192.0.2.2"]))
    return reply


def rcode(text):
    def answer(query):
        reply = dns.message.make_response(query)
        reply.set_rcode(dns.rcode.from_text(text))
        return reply
    return answer


def silent(_):
    return []


def empty(query):
    return dns.message.make_response(query)


def truncated(query):
    reply = empty(query)
    reply.flags |= dns.flags.TC
    return reply


def cut_within_a_record(query):
    wire = bytearray(good(query).to_wire())
    wire[2] |= 2  # TC
    return bytes(wire[:-3])


def wrong_id(query):
    reply = good(query)
    reply.id = (query.id + 1) % 65536
    return reply


def wrong_question(query):
    other = dns.message.make_query("ns.example.com.", "A")
    other.id = query.id
    return good(other)


def no_question(query):
    return query.to_wire()[:2] + bytes([0x80, 1]) + bytes(8)  # FORMERR


def itself(query):
    return query.to_wire()


def alias(query):
    reply = empty(query)
    name = query.question[0].name
    reply.answer.append(dns.rrset.from_text(name, 5, "IN", "CNAME", "other.example.com."))
    reply.answer.append(dns.rrset.from_text("other.example.com.", 5, "IN", "A", "192.0.2.1"))
    return reply


@pytest.fixture
def things():
    made = []
    yield made
    for thing in reversed(made):
        thing.close()


def start(site, checks, addresses=("127.0.0.1",)):
    site.topology = {"regions": {"r": {"azs": {"a": {}}}}, "brake": False,
                     "checks": {name: {"type": "dns", "interval": "500ms", "timeout": "300ms", "fall": 1, "rise": 1, "query": QUERY, **check}
                                for name, check in checks.items()},
                     "endpoints": {"e": {"az": "a", "addresses": list(addresses), "checks": list(checks)}}}
    site.zone("example.com", "")
    return site.start()


def test_outcomes(site, things):
    def at(answer, *args, **kwargs):
        check = kwargs.pop("check", {})
        things.append(Liar(answer, *args, **kwargs))
        return {"port": things[-1].port, **check}

    wants = {"answer": ["192.0.2.2", "192.0.2.1"]}
    then_tcp = {"transport": "udp_then_tcp", **wants}
    closed = kit.find_port("127.0.0.1")
    cases = {
        "ok": (at(good), "ok"),
        "ok-answer": (at(good, check=wants), "ok"),
        "ok-plain": (at(good, check={**wants, "edns": False}), "ok"),
        "alias": (at(alias, check={"answer": ["192.0.2.1"]}), "ok"),
        "any": (at(good, check={"answer": "any"}), "ok"),
        "empty": (at(empty), "ok"),
        "empty-any": (at(empty, check={"answer": "any"}), "bad_answer"),
        "other-answer": (at(lambda query: good(query, "192.0.2.1", "192.0.2.3"), check=wants), "bad_answer"),
        "rcode": (at(rcode("SERVFAIL")), "bad_rcode"),
        "rcode-set": (at(rcode("REFUSED"), check={"rcode": ["REFUSED", "NXDOMAIN"]}), "ok"),
        "badvers": (at(rcode("BADVERS")), "bad_rcode"),
        "no-question": (at(no_question), "bad_rcode"),
        "closed": ({"port": closed}, "refused"),
        "silent": (at(silent), "timeout"),
        "wrong-id": (at(wrong_id), "bad_response"),
        "wrong-question": (at(wrong_question), "bad_response"),
        "mirror": (at(itself), "bad_response"),
        "garbage": (at(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n"), "bad_response"),
        "cut": (at(lambda query: good(query).to_wire()[:-2]), "bad_response"),
        "lies-first": (at(lambda query: [wrong_id(query), b"x", wrong_question(query), good(query)], check=wants), "ok"),
        "aside": (at(good, aside=True), "timeout"),
        "flood": (at(wrong_id, repeat=1000), "bad_response"),
        "truncated": (at(truncated), "ok"),  # nothing was wanted
        "truncated-udp": (at(truncated, check=wants), "bad_answer"),
        "truncated-tcp": (at(truncated, good, check=then_tcp), "ok"),
        "truncated-cut": (at(cut_within_a_record, good, check=then_tcp), "ok"),
        "truncated-refused": (at(truncated, check=then_tcp), "refused"),
        "silent-tcp": (at(silent, good, check=then_tcp), "ok"),
        "lies-tcp": (at(wrong_id, good, check=then_tcp), "ok"),
        "silent-silent": (at(silent, silent, check=then_tcp), "timeout"),
        "tcp": (at(silent, good, check={"transport": "tcp", **wants}), "ok"),
        "tcp-only-udp": (at(good, check={"transport": "tcp"}), "refused"),
        "tcp-closes": (at(good, lambda _: [], check={"transport": "tcp"}), "closed"),
        "tcp-wrong-id": (at(good, wrong_id, check={"transport": "tcp"}), "bad_response"),
        "tcp-empty": (at(good, lambda _: b"", check={"transport": "tcp"}), "bad_response"),
        "tcp-rcode": (at(good, rcode("REFUSED"), check={"transport": "tcp"}), "bad_rcode"),
    }
    server = start(site, {name: check for name, (check, _) in cases.items()})
    wait_outcomes(server, {name: outcome for name, (_, outcome) in cases.items()})
    seen = look(server)
    assert seen["rcode"]["status"] == 2 and seen["badvers"]["status"] == 16 and seen["ok"]["status"] is None
    assert seen["ok"]["type"] == "dns" and seen["ok"]["verdict"] == "healthy" and seen["empty-any"]["verdict"] == "unhealthy"
    ids = things[0].ids
    assert len(set(ids)) > len(ids) / 2
    kit.wait_for(lambda: len(set(things[0].ids)) >= 4, "other IDs")
    by_place = dict(zip([name for name in cases if name != "closed"], things))
    assert by_place["ok"].tcp_asked == 0 and by_place["tcp"].udp_asked == 0
    turns, cpu_s = kit.cost_checks(server, 2 * len(cases))
    assert turns < 100 and cpu_s < 0.05
    metrics = server.request("GET", "/metrics").body.decode()
    assert 'steerd_checks_total{outcome="bad_answer"}' in metrics


def test_verdicts_follow(site, things):
    """A nameserver that is stopped, refuses and is well again; what the answer says of it is told."""
    mood = [good]
    liar = Liar(lambda query: mood[0](query))
    things.append(liar)
    server = start(site, {"it": {"port": liar.port, "answer": ["192.0.2.1"]}})
    wait_outcomes(server, {"it": "ok"})
    for answer, outcome in ((silent, "timeout"), (rcode("REFUSED"), "bad_rcode"), (empty, "bad_answer"), (good, "ok")):
        mood[0] = answer
        wait_outcomes(server, {"it": outcome})
        verdict = "healthy" if outcome == "ok" else "unhealthy"
        server.wait(lambda verdict=verdict: look(server)["it"]["verdict"] == verdict, verdict)


def test_reload(site, things):
    """A check that is what it was goes on; one that asks or wants something else begins anew."""
    liar = Liar(good)
    things.append(liar)
    server = start(site, {"it": {"port": liar.port, "answer": ["192.0.2.1"], "interval": "200ms", "timeout": "200ms"}})
    server.wait(lambda: look(server)["it"]["streak"] >= 5, "a streak")
    site.topology["regions"]["r"]["location"] = [1, 1]
    site.write()
    server.reload()
    assert look(server)["it"]["streak"] >= 5
    for change, outcome in (({"answer": ["192.0.2.9"]}, "bad_answer"), ({"answer": ["192.0.2.1", "192.0.2.2"]}, "ok"),
                            ({"query": {"name": "www.example.com.", "type": "AAAA"}, "answer": "any"}, "bad_answer"),
                            ({"answer": "any", "query": QUERY}, "ok"), ({"rcode": ["NXDOMAIN"], "answer": None}, "bad_rcode"),
                            ({"rcode": "NOERROR", "transport": "tcp"}, "refused"), ({"transport": "udp"}, "ok")):
        check = {**site.topology["checks"]["it"], **change}
        site.topology["checks"]["it"] = {key: value for key, value in check.items() if value is not None}
        site.write()
        server.reload()
        wait_outcomes(server, {"it": outcome})


def test_no_way(site):
    """What a router says by ICMP of a UDP packet is heard, as it is of a connection."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    network = kit.Network("10.9.2.1")
    try:
        with network.far():
            kit.run_ip("route", "add", "unreachable", "10.9.3.0/24")
            open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii").write("1")
        server = start(site, {"it": {}}, ["10.9.3.1"])
        wait_outcomes(server, {"it": "unreachable"})
        server.stop()
    finally:
        network.close()


@pytest.mark.skipif(KNOT is None, reason="knot is not installed (contrib/packages test)")
def test_knot(site, things, tmp_path):
    port = kit.find_port("127.0.0.1")
    (tmp_path / "example.com.zone").write_text(
        "$TTL 60\n@ SOA ns h 1 2 3 4 5\n NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n A 192.0.2.2\n AAAA 2001:db8::1\n"
        "alias CNAME www\ntext TXT \"v=1\" \"; more\"\n" + "".join(f"big TXT \"{i} {'x' * 200}\"\n" for i in range(20)))
    (tmp_path / "knot.conf").write_text(f"""
server:
  listen: 127.0.0.1@{port}
  rundir: {tmp_path}
  identity: it
database:
  storage: {tmp_path}
zone:
  - domain: example.com
    storage: {tmp_path}
""")
    knot = subprocess.Popen([KNOT, "-c", str(tmp_path / "knot.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        def ask(name, rtype, **more):
            return {"port": port, "query": {"name": f"{name}example.com.", "type": rtype}, "timeout": "500ms", **more}
        server = start(site, {
            "soa": ask("", "SOA", answer="any"), "a": ask("www.", "A", answer=["192.0.2.1"]),
            "aaaa": ask("www.", "AAAA", answer=["2001:DB8:0::1"]), "ns": ask("", "NS", answer=["NS.example.com"]),
            "alias": ask("alias.", "A", answer=["192.0.2.2"]), "cname": ask("alias.", "CNAME", answer=["www.example.com."]),
            "text": ask("text.", "TXT", answer=["v=1; more"]), "not": ask("www.", "A", answer=["192.0.2.3"]),
            "nx": ask("nx.", "A"), "nx-set": ask("nx.", "A", rcode="NXDOMAIN"),
            "elsewhere": {"port": port, "query": {"name": "example.org", "type": "SOA"}, "recursion": True},
            "identity": {"port": port, "query": {"name": "id.server.", "type": "TXT", "class": "CH"}, "answer": ["it"]},
            "big": ask("big.", "TXT", transport="udp_then_tcp", answer=["19 " + "x" * 200]),
            "big-udp": ask("big.", "TXT", answer=["19 " + "x" * 200]), "tcp": ask("", "SOA", transport="tcp", answer="any"),
        })
        wait_outcomes(server, {
            "soa": "ok", "a": "ok", "aaaa": "ok", "ns": "ok", "alias": "ok", "cname": "ok", "text": "ok", "not": "bad_answer",
            "nx": "bad_rcode", "nx-set": "ok", "elsewhere": "bad_rcode", "identity": "ok", "big": "ok", "big-udp": "bad_answer",
            "tcp": "ok"})
        assert look(server)["elsewhere"]["status"] == 5
        knot.kill()
        knot.wait()
        wait_outcomes(server, {"soa": "refused", "big": "refused", "tcp": "refused"})
    finally:
        knot.kill()
        knot.wait()
