# SPDX-License-Identifier: BSD-3-Clause
"""steerd as a primary: what copies hold at steered names, the serial that goes with it over flips and restarts, and
NOTIFY."""
import socket
import threading
import time

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype

import kit
from transfers import KEY, KEYS, SECRET, as_set, fetch, metric, read_zone, serial_of


# ---- steered names ----

STEERED = {"www": {"ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "fallback": "static"},
           "any": {"ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east", "eu-west"]], "answers": 1, "fallback": "all"},
           "none": {"ttl": 30, "endpoints": ["web-us-*"], "tiers": [["us-east"]], "fallback": "nodata"}}
STATIC = "www 60 IN A 192.0.2.99\nwww 60 IN TXT \"www\"\nplain 60 IN A 192.0.2.98\n"


def steered_site(site, **options):
    at = kit.make_regions(site)
    site.webs_at = at
    site.web(*at.values())
    site.zone("example.com", STATIC).policy("example.com", STEERED)
    site.server["zone_options"] = {"example.com": {"transfer_to": ["0.0.0.0/0"], **options}}
    us, eu = ([at[f"{region}-1{az}"] for az in "ab"] for region in ("us-east", "eu-west"))
    return sorted(us), sorted(eu)


def copied(server, name, rtype="A"):
    wanted = dns.name.from_text(f"{name}.example.com")
    records, _ = fetch(server)
    return sorted(rdata.to_text() for owner, _, rdata in records
                  if owner == wanted and rdata.rdtype == dns.rdatatype.from_text(rtype))


def test_static_copies_hold_the_zone_file(site):
    steered_site(site)
    server = site.start()
    server.override("region", "us-east", "down")
    assert copied(server, "www") == ["192.0.2.99"]
    assert copied(server, "any") == [] and copied(server, "none") == []
    assert as_set(fetch(server)[0]) == read_zone(kit.SOA + STATIC)
    assert serial_of(server) == 1


def test_rendered_copies_follow_the_answers(site):
    us, eu = steered_site(site, transfer_steered="rendered")
    started = int(time.time())
    server = site.start()
    first = serial_of(server)
    assert first >= started, "at least the time of the change"
    records, _ = fetch(server)
    assert records[0][2].serial == first
    assert copied(server, "www") == us and copied(server, "none") == us
    assert copied(server, "any") == sorted(us + eu), "all that may be answered, not one of them"
    assert copied(server, "www", "TXT") == ['"www"'] and copied(server, "plain") == ["192.0.2.98"]
    assert {ttl for owner, ttl, rdata in records if rdata.rdtype == 1 and owner.labels[0] == b"www"} == {30}

    def after(change, *expected):
        """The serial rises and the copy changes with it, together."""
        before = serial_of(server)
        change()
        server.wait(lambda: serial_of(server) > before, "the serial rises")
        got, _ = fetch(server)
        assert got[0][2].serial == serial_of(server)
        assert [copied(server, name) for name in ("www", "any", "none")] == list(expected)
        return serial_of(server)

    after(lambda: server.override("region", "us-east", "down"), eu, eu, [])
    after(lambda: server.override("region", "eu-west", "drain"), ["192.0.2.99"], us, [])
    after(lambda: server.override("region", "eu-west", "auto"), eu, eu, [])
    last = after(lambda: server.override("region", "us-east", "auto"), us, sorted(us + eu), us)
    assert serial_of(server) == last
    zone = server.get("/v1/zones")["items"][0]
    assert zone["serial"] == last


def test_a_steered_zone_is_reloaded_alone_unless_its_copies_are_rendered(site):
    steered_site(site)
    us, eu = (site.webs_at[f"{region}-1a"] for region in ("us-east", "eu-west"))
    server = site.start()
    site.policy("example.com", {"www": {"endpoints": ["web-eu-west-1a"]}})
    site.zone("example.com", "www 60 IN A 192.0.2.98\n", soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 2 ")).write()
    assert "generation 1" in server.ctl("reload", "example.com").stdout
    assert server.addresses("www.example.com") == [eu]
    assert copied(server, "www") == ["192.0.2.98"]
    site.server["zone_options"]["example.com"]["transfer_steered"] = "rendered"
    site.write()
    server.reload()
    assert copied(server, "www") == [eu]
    site.policy("example.com", {"www": {"endpoints": ["web-us-east-1a"]}}).write()
    assert "generation 3" in server.ctl("reload", "example.com").stdout
    assert copied(server, "www") == [us]


def test_a_dead_region_changes_the_copy(site):
    us, eu = steered_site(site, transfer_steered="rendered")
    server = site.start()
    server.wait_state("region", "us-east", effective="healthy")
    before = serial_of(server)
    web = site.webs[0]
    for address in us:
        web.behave("status", address, status=500)
    server.wait(lambda: serial_of(server) > before, "the serial rises")
    server.wait(lambda: copied(server, "www") == eu, "the copy holds the other region")
    server.wait_log("zone rendered zone=example.com.", "serial=")


def test_serials_survive_restarts(site):
    steered_site(site, transfer_steered="rendered")
    site.zone("example.com", STATIC, soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 2026112101 "))
    server = site.start()
    serials = [serial_of(server)]
    assert serials == [2026112101], "newer than the Unix time"
    for state in "down", "auto", "down":
        server.override("endpoint", "web-us-east-1a", state)
        server.wait(lambda: serial_of(server) > serials[-1], "the serial rises")
        serials.append(serial_of(server))
    assert serials == [2026112101 + i for i in range(4)]
    for how, state in ("stop", "auto"), ("kill", "down"):
        before = copied(server, "www")
        getattr(server, how)()
        server = site.start()
        serials.append(serial_of(server))
        assert copied(server, "www") == before
        assert serials[-1] >= serials[-2]
        server.override("endpoint", "web-us-east-1a", state)
        server.wait(lambda: serial_of(server) > serials[-1], "the serial rises")
        serials.append(serial_of(server))
    server.stop()
    (site.folder / "var/serials").write_text("nonsense\n")
    server = site.start()
    server.wait_log("serials partly read", "bad_lines=1")


def test_serials_follow_the_time_without_a_state(site):
    steered_site(site, transfer_steered="rendered", serial="unixtime")
    del site.server["state"]
    site.zone("example.com", STATIC, soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 2026112101 "))
    started = int(time.time())
    server = site.start()
    assert started <= serial_of(server) <= int(time.time())
    server.stop()
    site.server["zone_options"]["example.com"]["serial"] = "auto"
    server = site.start()
    server.wait_log("serial unsafe zone=example.com.", "serial=2026112101")


def test_serial_of_its_own_for_static_zones(site):
    """serial auto: an operator who forgets to raise the file's is helped."""
    site.zone("example.com", "a 60 IN A 192.0.2.1\n").zone("example.net", "a 60 IN A 192.0.2.1\n")
    site.server["zone_options"] = {"*": {"transfer_to": "127.0.0.0/8"}, "example.com": {"serial": "auto"}}
    server = site.start()
    before = serial_of(server)
    assert serial_of(server, "example.net") == 1
    assert server.reload().status == 200
    assert serial_of(server) == before, "nothing changed"
    site.zone("example.com", "a 60 IN A 192.0.2.2\n").zone("example.net", "a 60 IN A 192.0.2.2\n").write()
    for how in "example.com", None:
        server.ctl("reload", *([how] if how else []))
        assert serial_of(server) > before
    assert serial_of(server, "example.net") == 1
    server.wait_log("zone changed zone=example.net.", "nobody will copy it")
    assert fetch(server, "example.com")[0][0][2].serial == serial_of(server)


# ---- NOTIFY ----

class Secondary:
    """Hears NOTIFY, and answers as told: an rcode, or None for silence."""

    def __init__(self, key=None, rcode=0):
        self.at, self.key, self.rcode = (kit.new_address(), 15353), key, rcode
        self.heard = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(self.at)
        self.socket.settimeout(0.1)
        self.ending = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ending:
            try:
                wire, peer = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            request = dns.message.from_wire(wire, keyring={self.key.name: self.key} if self.key else None)
            self.heard.append((request, peer))
            if self.rcode is not None:
                reply = dns.message.make_response(request)
                reply.set_rcode(self.rcode)
                self.socket.sendto(reply.to_wire(), peer)

    def serials(self):
        return [request.answer[0][0].serial for request, _ in self.heard]

    def close(self):
        self.ending = True
        self.thread.join()
        self.socket.close()


def secondaries(server, index=0):
    return server.get("/v1/zones")["items"][index]["secondaries"]


def test_secondaries_are_told_of_changes(site):
    plain, signed, rude = Secondary(), Secondary(KEY), Secondary(rcode=dns.rcode.REFUSED)
    try:
        site.zone("example.com", "a 60 IN A 192.0.2.1\n")
        site.server["keys"] = KEYS
        site.server["zone_options"] = {"*": {"transfer_to": "127.0.0.0/8", "notify": [
            "{}:{}".format(*plain.at), {"address": "{}:{}".format(*signed.at), "key": "transfer.example"},
            {"address": "{}:{}".format(*rude.at)}]}}
        server = site.start()
        for one in plain, signed, rude:
            server.wait(lambda one=one: one.heard, "the start is news")
            request, peer = one.heard[0]
            assert request.opcode() == dns.opcode.NOTIFY and request.flags & dns.flags.AA
            assert request.question[0].to_text() == "example.com. IN SOA"
            assert peer[0] == site.listen[0][0], "from the address that they know"
        assert signed.heard[0][0].had_tsig and not plain.heard[0][0].had_tsig
        server.wait(lambda: [one["state"] for one in secondaries(server)] ==
                    ["acknowledged", "acknowledged", "refused"], "all have answered")
        assert server.reload().status == 200
        site.zone("example.com", "a 60 IN A 192.0.2.2\n", soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 5 ")).write()
        server.ctl("reload", "example.com")
        site.zone("example.com", "a 60 IN A 192.0.2.2\n", soa=kit.SOA.replace("hostmaster 1 ", "hostmaster 6 ")).write()
        assert server.reload().status == 200
        for one in plain, signed, rude:
            server.wait(lambda one=one: one.serials()[-1] == 6, "told of the last one")
            assert set(one.serials()) <= {1, 5, 6} and one.serials() == sorted(one.serials())
        server.wait(lambda: all(one["serial"] == 6 and one["state"] != "waiting" for one in secondaries(server)), "known")
        shown = secondaries(server)
        assert [one["address"] for one in shown] == ["{}:{}".format(*one.at) for one in (plain, signed, rude)]
        assert [one["key"] for one in shown] == [None, "transfer.example.", None]
        assert [one["rcode"] for one in shown] == ["NOERROR", "NOERROR", "REFUSED"]
        assert SECRET not in server.request("GET", "/v1/zones").body.decode() + server.read_log()
        assert metric(server, "steerd_notifies_total", result="refused") >= 1
        server.wait_log("notify result=refused zone=example.com.", "rcode=REFUSED")
        assert "2 of 3 know" in server.ctl("zones").stdout
    finally:
        for one in plain, signed, rude:
            one.close()


def test_silence_is_met_with_retries(site):
    silent = Secondary(rcode=None)
    try:
        site.zone("example.com", "")
        site.server["zone_options"] = {"*": {"notify": "{}:{}".format(*silent.at)}}
        server = site.start()
        server.wait(lambda: len(silent.heard) >= 2, "tried again")
        assert len({request.id for request, _ in silent.heard}) == len(silent.heard)
        assert secondaries(server)[0]["state"] == "waiting"
        silent.rcode = 0
        server.wait(lambda: secondaries(server)[0]["state"] == "acknowledged", "heard in the end")
        assert secondaries(server)[0]["attempts"] >= 2
    finally:
        silent.close()


def test_flips_are_told_once_a_second_at_most(site):
    listener = Secondary()
    try:
        steered_site(site, transfer_steered="rendered", notify="{}:{}".format(*listener.at))
        server = site.start()
        server.wait(lambda: listener.heard, "the start")
        begun = time.monotonic()
        for _ in range(30):
            server.override("region", "us-east", "down")
            server.override("region", "us-east", "auto")
        server.override("region", "us-east", "down")
        server.wait(lambda: serial_of(server) == listener.serials()[-1] and
                    copied(server, "www") == copied(server, "any"), "the last flip is told")
        assert len(set(listener.serials())) <= 3 + (time.monotonic() - begun), "not one per flip"
        assert listener.serials() == sorted(listener.serials())
    finally:
        listener.close()
