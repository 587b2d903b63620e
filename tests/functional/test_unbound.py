# SPDX-License-Identifier: BSD-3-Clause
"""unbound as a resolver with steerd as the authority (stub zone, or forwarding): 0x20, QNAME minimisation, client
subnets and a cache by scope, and what a flip looks like behind a cache. What unbound asks is seen on a wire tap."""
import collections
import os
import shutil
import subprocess

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

import kit
import tap

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
PROGRAM = shutil.which("unbound", path=PATH)
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="unbound is not installed (contrib/packages test)")

EAST, WEST = "192.0.2.201", "192.0.2.202"
LETTERS = "abcdefghijklmnopqrstuvwxyz" * 2  # as good as never all in lower case by chance
TEXT = " ".join('"' + "x" * 200 + '"' for _ in range(10))
ZONE = f"""\
plain 60 IN A 192.0.2.1
{LETTERS} 60 IN A 192.0.2.2
alias 60 IN CNAME plain
*.wild 60 IN A 192.0.2.3
a.b.c.deep 60 IN A 192.0.2.4
old 60 IN DNAME wild
big 60 IN TXT {TEXT}
"""
GEO = [{"when": {"cidr": "10.1.0.0/16"}, "tiers": [["eu-west"], ["us-east"]]}]

Resolved = collections.namedtuple("Resolved", "site server tap unbound")


class Unbound:
    def __init__(self, folder, stub_at, kind="stub"):
        address = kit.new_address()
        self.at = (address, kit.find_port(address))
        self.folder = folder
        self.log = folder / "unbound.log"
        (folder / "unbound.conf").write_text(f"""server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  interface: {self.at[0]}@{self.at[1]}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-ip6: no
  module-config: "subnetcache iterator"
  send-client-subnet: {stub_at[0]}
  use-caps-for-id: yes
  qname-minimisation-strict: yes
  minimal-responses: no
  unwanted-reply-threshold: 1
remote-control:
  control-enable: no
{kind}-zone:
  name: example.com
  {kind}-addr: {stub_at[0]}@{stub_at[1]}
""")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([PROGRAM, "-d", "-p", "-c", str(folder / "unbound.conf")], stderr=log,
                                            stdin=subprocess.DEVNULL, stdout=log)

    def wait(self):
        def answers():
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            try:
                return dns.query.udp(dns.message.make_query("version.bind", "TXT", "CH"), self.at[0], port=self.at[1],
                                     timeout=0.1)
            except (OSError, dns.exception.DNSException):
                return None
        kit.wait_for(answers, "unbound answers")
        return self

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(kit.PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def send(self, query, source=None):
        return dns.query.udp_with_fallback(query, self.at[0], port=self.at[1], timeout=kit.PATIENCE_S, source=source)[0]

    def ask(self, name, rtype="A", subnet=None, source=None):
        options = [] if subnet is None else [dns.edns.ECSOption(*subnet)]
        return self.send(dns.message.make_query(name, rtype, use_edns=0, options=options), source)

    def addresses(self, name, **how):
        reply = self.ask(name, **how)
        assert reply.rcode() == dns.rcode.NOERROR, reply
        return [rdata.to_text() for rrset in reply.answer for rdata in rrset]


@pytest.fixture
def resolved(site):
    site.topology = {"regions": {"us-east": {"azs": {"us-east-1a": {}}}, "eu-west": {"azs": {"eu-west-1a": {}}}},
                     "endpoints": {"web-us": {"az": "us-east-1a", "addresses": [EAST]},
                                   "web-eu": {"az": "eu-west-1a", "addresses": [WEST]}}}
    steered = {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}
    near = {**steered, "geo": [{"when": {"cidr": "127.1.0.0/16"}, "tiers": [["eu-west"], ["us-east"]]}]}
    site.zone("example.com", ZONE)
    site.policy("example.com", {"www": {**steered, "ttl": 1}, "geo": {**steered, "ttl": 300, "geo": GEO},
                                "near": {**near, "ttl": 300}})
    server = site.start()
    tapped = tap.Tap(site.listen[0])
    unbound = Unbound(site.folder, tapped.at)
    try:
        yield Resolved(site, server, tapped, unbound.wait())
    finally:
        unbound.stop()
        tapped.close()


def test_forwarding_works_too(site):
    """What is asked with RD and answered without RA."""
    server = site.zone("example.com", ZONE).start()
    unbound = Unbound(site.folder, site.listen[0], "forward")
    try:
        unbound.wait()
        assert unbound.addresses("alias.example.com")[-1] == "192.0.2.1"
        assert unbound.ask("nothing.example.com").rcode() == dns.rcode.NXDOMAIN
        assert len(unbound.ask("big.example.com", "TXT").answer[0][0].strings) == 10
    finally:
        unbound.stop()
    server.assert_no_defect()


def asked(resolved, rtype="A"):
    """The names that unbound asked us for since the last call, in lower case."""
    return [str(query.question[0].name).lower() for query in resolved.tap.take()
            if query.question[0].rdtype == dns.rdatatype.from_text(rtype)]


def test_answers_come_through(resolved):
    unbound = resolved.unbound
    assert unbound.addresses("plain.example.com") == ["192.0.2.1"]
    assert unbound.addresses("alias.example.com") == ["plain.example.com.", "192.0.2.1"]
    assert unbound.addresses("x.wild.example.com") == ["192.0.2.3"]
    assert unbound.addresses("a.b.c.deep.example.com") == ["192.0.2.4"], "empty non-terminals are no NXDOMAIN to minimised names"
    assert unbound.addresses("x.old.example.com")[-1] == "192.0.2.3", "by DNAME to the wildcard"
    reply = unbound.ask("nothing.example.com")
    assert reply.rcode() == dns.rcode.NXDOMAIN and reply.authority[0].rdtype == dns.rdatatype.SOA
    reply = unbound.ask("plain.example.com", "MX")
    assert reply.rcode() == dns.rcode.NOERROR and reply.answer == []


def test_names_keep_their_case(resolved):
    name = f"{LETTERS}.example.com"
    assert resolved.unbound.addresses(name) == ["192.0.2.2"]
    names = [str(query.question[0].name) for query in resolved.tap.take()]
    names = [text for text in names if text.lower() == name + "."]
    assert len(names) == 1, f"unbound asks again when the case does not come back: {names}"
    assert names[0] != names[0].lower(), f"{names} have no 0x20"


def test_long_answers_come_over_tcp(resolved):
    reply = resolved.unbound.ask("big.example.com", "TXT")
    assert len(reply.answer[0][0].strings) == 10
    assert resolved.tap.connections == 1


def test_an_answer_is_asked_for_once(resolved):
    for _ in range(3):
        assert resolved.unbound.addresses("plain.example.com") == ["192.0.2.1"]
        assert resolved.unbound.ask("nothing.example.com").rcode() == dns.rcode.NXDOMAIN
    assert sorted(asked(resolved)) == ["nothing.example.com.", "plain.example.com."]


def test_a_flip_is_seen_when_the_ttl_is_over(resolved):
    server, unbound = resolved.server, resolved.unbound
    assert unbound.addresses("www.example.com") == [EAST]
    server.override("region", "us-east", "down")
    server.wait(lambda: unbound.addresses("www.example.com") == [WEST], "unbound has the other region's address")
    server.override("region", "us-east", "auto")
    server.wait(lambda: unbound.addresses("www.example.com") == [EAST], "unbound is back")
    assert len(asked(resolved)) >= 3


def test_clients_of_other_classes_have_their_own_answers(resolved):
    """One name, two classes: asked for once each, and answered from the cache from then on."""
    unbound, europe, america = resolved.unbound, ("10.1.7.0", 24), ("10.9.7.0", 24)
    for _ in range(3):
        assert unbound.addresses("geo.example.com", subnet=europe) == [WEST]
        assert unbound.addresses("geo.example.com", subnet=america) == [EAST]
    assert asked(resolved) == ["geo.example.com."] * 2


def test_clients_of_one_scope_share_an_answer(resolved):
    """The scope is the rule's /16: another /24 of it is in the cache already, one outside is not."""
    unbound = resolved.unbound
    assert unbound.addresses("geo.example.com", subnet=("10.1.7.0", 24)) == [WEST]
    sent = resolved.tap.take()
    assert [option.to_text() for option in sent[-1].options if option.otype == 8] == ["ECS 10.1.7.0/24 scope/0"]
    for third in (0, 8, 200, 255):
        assert unbound.addresses("geo.example.com", subnet=(f"10.1.{third}.0", 24)) == [WEST]
    assert asked(resolved) == []
    assert unbound.addresses("geo.example.com", subnet=("10.0.255.0", 24)) == [EAST]
    assert asked(resolved) == ["geo.example.com."]


def test_names_without_geography_are_shared_by_all(resolved):
    unbound = resolved.unbound
    for second in (1, 9, 77):
        assert unbound.addresses("plain.example.com", subnet=(f"10.{second}.7.0", 24)) == ["192.0.2.1"]
        assert unbound.ask("none.example.com", subnet=(f"10.{second}.7.0", 24)).rcode() == dns.rcode.NXDOMAIN
    assert sorted(asked(resolved)) == ["none.example.com.", "plain.example.com."]


def test_the_resolver_speaks_for_clients_that_say_nothing(resolved):
    """unbound makes the subnet from the client's address."""
    unbound = resolved.unbound
    assert unbound.addresses("near.example.com", source="127.1.7.1") == [WEST]
    assert unbound.addresses("near.example.com", source="127.1.8.1") == [WEST]
    assert unbound.addresses("near.example.com", source="127.2.7.1") == [EAST]
    queries = [query for query in resolved.tap.take() if str(query.question[0].name).lower() == "near.example.com."]
    subnets = [option.to_text() for query in queries for option in query.options if option.otype == 8]
    assert subnets == ["ECS 127.1.7.0/24 scope/0", "ECS 127.2.7.0/24 scope/0"], "the second client was answered from the cache"


def test_a_flip_moves_the_class_that_it_concerns(resolved):
    server, unbound = resolved.server, resolved.unbound
    server.override("region", "eu-west", "down")
    assert unbound.addresses("geo.example.com", subnet=("10.1.7.0", 24)) == [EAST]
    assert unbound.addresses("near.example.com", source="127.1.7.1") == [EAST]
    server.override("region", "eu-west", "auto")
    server.override("region", "us-east", "down")
    assert unbound.addresses("geo.example.com", subnet=("10.200.7.0", 24)) == [WEST], "not in the cache yet"
    assert unbound.addresses("geo.example.com", subnet=("10.1.7.0", 24)) == [EAST], "its TTL is not over"
