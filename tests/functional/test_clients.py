# SPDX-License-Identifier: BSD-3-Clause
"""Clients that are not ours: dig and mdig, drill, kdig, and dnspython as a stub resolver, each a process or a library
that judges our answers by its own reading of the standards. What they sent is seen on a wire tap."""
import collections
import json
import re
import shutil
import subprocess

import dns.flags
import dns.resolver
import pytest

import kit
import tap

Wired = collections.namedtuple("Wired", "site server tap")
TEXT = " ".join('"' + "x" * 200 + '"' for _ in range(10))
ZONE = f"""\
www 60 IN A 192.0.2.1
www 60 IN AAAA 2001:db8::1
mail 60 IN A 192.0.2.2
alias 60 IN CNAME www
*.wild 60 IN A 192.0.2.3
big 60 IN TXT {TEXT}
"""


@pytest.fixture
def wired(site):
    site.server["identity"] = "lhr1"
    server = site.zone("example.com", ZONE).start()
    tapped = tap.Tap(site.listen[0])
    yield Wired(site, server, tapped)
    tapped.close()


def run(program, wired, *arguments):
    """What a client says of our answers."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (contrib/packages test)")
    address, port = wired.tap.at
    done = subprocess.run([program, f"@{address}", "-p", str(port), *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=kit.PATIENCE_S, check=False)
    assert done.returncode == 0, done
    assert "malformed" not in done.stdout.lower() and "WARNING: Message" not in done.stdout, done.stdout
    return done.stdout


def statuses(text):
    return re.findall(r"(?:status|[^-]rcode): (\w+)", text)


# ---- dig ----

def test_dig_asks_over_udp(wired):
    text = run("dig", wired, "www.example.com")
    assert statuses(text) == ["NOERROR"] and "flags: qr aa rd;" in text
    assert re.search(r"www\.example\.com\.\s+60\s+IN\s+A\s+192\.0\.2\.1\n", text)
    assert "(good)" in text, "the cookie that it sends by default is answered as RFC 7873 wants"
    assert wired.tap.connections == 0 and len(wired.tap.take()) == 1


def test_dig_goes_on_over_tcp_when_an_answer_is_cut(wired):
    text = run("dig", wired, "TXT", "big.example.com")
    assert "Truncated, retrying in TCP mode" in text and statuses(text) == ["NOERROR"]
    assert text.count("x" * 200) == 10 and wired.tap.connections == 1
    text = run("dig", wired, "+ignore", "TXT", "big.example.com")
    assert " tc " in text and "x" * 200 not in text


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_several_queries_on_one_connection(wired, program):
    text = run(program, wired, "+tcp", "+keepopen", "www.example.com", "mail.example.com", "nothing.example.com",
               "a.wild.example.com")
    assert statuses(text) == ["NOERROR", "NOERROR", "NXDOMAIN", "NOERROR"]
    assert all(address in text for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"))
    assert wired.tap.connections == 1 and len(wired.tap.take()) == 4


def test_mdig_pipelines(wired):
    """All queries are sent before the first answer is there."""
    names = ["www.example.com", "mail.example.com", "nothing.example.com", "alias.example.com"] * 5
    text = run("mdig", wired, "+vc", *names)
    assert sorted(statuses(text)) == ["NOERROR"] * 15 + ["NXDOMAIN"] * 5
    assert wired.tap.connections == 1 and len(wired.tap.take()) == 20


def test_dig_options(wired):
    assert '("lhr1")' in run("dig", wired, "+nsid", "www.example.com")
    assert "TCP KEEPALIVE: 10.0 secs" in run("dig", wired, "+tcp", "+keepalive", "www.example.com")
    text = run("dig", wired, "+ednsopt=65001:abcd", "+padding=128", "+expire", "+zflag", "+cdflag", "www.example.com")
    assert statuses(text) == ["NOERROR"] and "flags: qr aa rd cd;" in text and "OPT=65001" not in text
    assert "flags: do;" in run("dig", wired, "+dnssec", "www.example.com")
    assert "EDNS" not in run("dig", wired, "+noedns", "www.example.com")


def test_dig_cookies(wired):
    """A client cookie alone, the one that it got, and one that no server made. None is refused."""
    text = run("dig", wired, "+cookie=0102030405060708", "www.example.com")
    cookie = re.search(r"COOKIE: ([0-9a-f]{48}) \(good\)", text)[1]
    assert cookie.startswith("0102030405060708")
    assert f"COOKIE: {cookie} (good)" in run("dig", wired, f"+cookie={cookie}", "www.example.com")
    text = run("dig", wired, f"+cookie={cookie[:-4]}ffff", "www.example.com")
    assert "(good)" in text and statuses(text) == ["NOERROR"] and "192.0.2.1" in text


@pytest.fixture
def strict(site):
    """A server that wants a good server cookie from everybody who has a cookie at all."""
    site.server["cookies"] = {"require": "always"}
    server = site.zone("example.com", ZONE).start()
    tapped = tap.Tap(site.listen[0])
    yield Wired(site, server, tapped)
    tapped.close()


def test_bad_cookies_are_told_and_repeated(strict):
    """RFC 7873 section 5.3: a client that gets BADCOOKIE comes back with the cookie that came along."""
    text = run("dig", strict, "www.example.com")
    assert "BADCOOKIE, retrying" in text and statuses(text) == ["NOERROR"] and "192.0.2.1" in text
    assert statuses(run("dig", strict, "+nobadcookie", "www.example.com")) == ["BADCOOKIE"]
    text = run("kdig", strict, "+cookie", "+badcookie", "www.example.com")
    assert statuses(text) == ["BADCOOKIE", "NOERROR"] and "192.0.2.1" in text
    assert statuses(run("dig", strict, "+header-only", "www.example.com")) == ["NOERROR"], "how to get a cookie"


def test_who_has_no_cookie_needs_none(strict):
    for arguments in (["+nocookie"], ["+noedns"], ["+tcp", "+cookie"]):
        text = run("dig", strict, *arguments, "www.example.com")
        assert statuses(text) == ["NOERROR"] and "192.0.2.1" in text and "BADCOOKIE" not in text
    assert "192.0.2.1" in run("drill", strict, "www.example.com")


def test_dig_asks_for_a_cookie_alone(wired):
    """RFC 7873 section 5.4: no question."""
    text = run("dig", wired, "+header-only", "+cookie", "www.example.com")
    assert statuses(text) == ["NOERROR"] and "QUERY: 0" in text and "(good)" in text


def test_dig_client_subnets(wired):
    for subnet, told in (("198.51.100.0/24", "198.51.100.0/24/0"), ("2001:db8::/56", "2001:db8::/56/0"),
                         ("198.51.100.128/25", "198.51.100.128/25/0"), ("0", "0.0.0.0/0/0"), ("::/0", "::/0/0")):
        text = run("dig", wired, f"+subnet={subnet}", "www.example.com")
        assert statuses(text) == ["NOERROR"] and f"CLIENT-SUBNET: {told}\n" in text, text


def test_dig_and_another_version_of_edns(wired):
    text = run("dig", wired, "+edns=1", "+noednsneg", "www.example.com")
    assert statuses(text) == ["BADVERS"] and "EDNS: version: 0" in text
    text = run("dig", wired, "+edns=1", "www.example.com")
    assert "BADVERS, retrying with EDNS version 0" in text and statuses(text) == ["NOERROR"]


def test_dig_and_other_opcodes(wired):
    assert statuses(run("dig", wired, "+opcode=15", "www.example.com")) == ["NOTIMP"]
    assert statuses(run("dig", wired, "+opcode=status", "+noedns", "www.example.com")) == ["NOTIMP"]


def test_dig_other_answers(wired):
    text = run("dig", wired, "alias.example.com")
    assert "CNAME" in text and "192.0.2.1" in text
    assert statuses(run("dig", wired, "elsewhere.test")) == ["REFUSED"]
    text = run("dig", wired, "nothing.example.com")
    assert statuses(text) == ["NXDOMAIN"] and "SOA" in text
    assert "ANSWER: 0, AUTHORITY: 1" in run("dig", wired, "MX", "www.example.com")


# ---- drill, kdig ----

def test_drill(wired):
    text = run("drill", wired, "www.example.com")
    assert statuses(text) == ["NOERROR"] and "flags: qr aa rd" in text and "192.0.2.1" in text
    text = run("drill", wired, "-t", "TXT", "big.example.com")
    assert text.count("x" * 200) == 10 and wired.tap.connections == 1
    assert "flags: do" in run("drill", wired, "-D", "AAAA", "www.example.com")
    assert statuses(run("drill", wired, "nothing.example.com")) == ["NXDOMAIN"]


def test_kdig(wired):
    text = run("kdig", wired, "+nsid", "+cookie", "+padding=64", "+subnet=198.51.100.0/24", "www.example.com")
    assert statuses(text) == ["NOERROR"] and '"lhr1"' in text and "CLIENT-SUBNET: 198.51.100.0/24/0" in text
    assert re.search(r"COOKIE: [0-9A-F]{48}\n", text)
    assert statuses(run("kdig", wired, "+edns=1", "www.example.com")) == ["BADVERS"]
    document = json.loads(run("kdig", wired, "+json", "+tcp", "+fastopen", "AAAA", "www.example.com"))
    assert document["answerRRs"][0]["rdataAAAA"] == "2001:db8::1" and wired.tap.connections == 1
    text = run("kdig", wired, "TXT", "big.example.com")
    assert text.count("x" * 200) == 10 and wired.tap.connections == 2, "it came back over TCP"


# ---- a stub resolver ----

def make_stub(wired):
    stub = dns.resolver.Resolver(configure=False)
    address, port = wired.tap.at
    stub.nameservers, stub.port, stub.lifetime = [address], port, kit.PATIENCE_S
    return stub


def test_stub_searches_domains(wired):
    stub = make_stub(wired)
    stub.domain, stub.search = dns.name.from_text("example.com"), [dns.name.from_text(text) for text in
                                                                  ("sub.example.com", "example.com")]
    stub.use_search_by_default = True
    answer = stub.resolve("www", "A")
    assert str(answer.qname) == "www.example.com." and [rdata.address for rdata in answer] == ["192.0.2.1"]
    assert [str(query.question[0].name) for query in wired.tap.take()] == ["www.sub.example.com.", "www.example.com."]
    with pytest.raises(dns.resolver.NXDOMAIN):
        stub.resolve("nothing.example.com.", "A")
    with pytest.raises(dns.resolver.NoAnswer):
        stub.resolve("mail.example.com", "AAAA", search=False)


def test_stub_follows_aliases_and_comes_back_over_tcp(wired):
    stub = make_stub(wired)
    answer = stub.resolve("alias.example.com", "A")
    assert str(answer.canonical_name) == "www.example.com." and answer.rrset.ttl == 60
    answer = stub.resolve("big.example.com", "TXT")
    assert len(answer[0].strings) == 10 and answer.response.flags & dns.flags.TC == 0
    assert wired.tap.connections == 1


def test_stub_caches_as_long_as_the_ttl_says(wired):
    stub = make_stub(wired)
    stub.cache = dns.resolver.LRUCache()
    for _ in range(3):
        assert [rdata.address for rdata in stub.resolve("mail.example.com", "A")] == ["192.0.2.2"]
    assert len(wired.tap.take()) == 1
    assert stub.cache.hits() == 2
