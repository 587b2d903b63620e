# SPDX-License-Identifier: BSD-3-Clause
"""Options of EDNS and class CH, as clients that are not ours see them: dnspython and dig."""
import shutil
import subprocess

import dns.edns
import dns.message
import dns.rcode
import pytest

COOKIE = 10
CLIENT = bytes(range(8))


def options_of(server, *options, tcp=False):
    query = dns.message.make_query("www.example.com", "A", use_edns=0, payload=1232, options=list(options))
    reply = server.send(query, tcp=tcp)
    assert reply.rcode() == dns.rcode.NOERROR
    return {int(option.otype): option.to_wire() for option in reply.options}


def cookie_of(server, sent, tcp=False):
    return options_of(server, dns.edns.GenericOption(COOKIE, sent), tcp=tcp)[COOKIE]


@pytest.fixture
def plain(site):
    return site.zone("example.com", "www 60 IN A 192.0.2.1\n")


def test_cookies_come_back_and_survive_a_reload(plain):
    server = plain.start()
    cookie = cookie_of(server, CLIENT)
    assert len(cookie) == 24 and cookie[:9] == CLIENT + b"\1"
    assert cookie_of(server, cookie, tcp=True) == cookie
    server.reload()
    assert cookie_of(server, cookie) == cookie
    assert cookie_of(server, cookie[:-1] + bytes([cookie[-1] ^ 1]))[:8] == CLIENT
    text = server.request("GET", "/metrics").body
    text = text.decode() if isinstance(text, bytes) else text
    for line in ('{result="new"} 1', '{result="valid"} 2', '{result="invalid"} 1'):
        assert "steerd_cookies_total" + line in text


def test_bad_cookie_length_is_a_format_error(plain):
    server = plain.start()
    query = dns.message.make_query("www.example.com", "A", use_edns=0,
                                   options=[dns.edns.GenericOption(COOKIE, b"short")])
    assert server.send(query).rcode() == dns.rcode.FORMERR


def test_keepalive_over_tcp_only(plain):
    server = plain.start()
    ask = dns.edns.GenericOption(11, b"")
    assert options_of(server, ask, tcp=True) == {11: (100).to_bytes(2, "big")}
    assert options_of(server, ask) == {}


@pytest.mark.skipif(shutil.which("dig") is None, reason="dig is not installed")
def test_dig(plain):
    server = plain.start()
    address, port = server.site.listen[0]
    dig = ["dig", f"@{address}", "-p", str(port)]
    text = subprocess.run([*dig, "+nsid", "+cookie", "www.example.com"], capture_output=True, text=True,
                          check=True).stdout
    assert "(good)" in text and "192.0.2.1" in text
    text = subprocess.run([*dig, "+short", "CH", "TXT", "version.bind"], capture_output=True, text=True,
                          check=True).stdout
    assert text == '"steerd"\n'
    text = subprocess.run([*dig, "CH", "TXT", "id.server"], capture_output=True, text=True, check=True).stdout
    assert "REFUSED" in text


def test_identity_is_told(plain):
    plain.server["identity"] = "lhr1"
    server = plain.start()
    assert options_of(server, dns.edns.GenericOption(3, b"")) == {3: b"lhr1"}
    query = dns.message.make_query("id.server", "TXT", "CH")
    assert [rdata.strings for rrset in server.send(query).answer for rdata in rrset] == [(b"lhr1",)]
