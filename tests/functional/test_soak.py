# SPDX-License-Identifier: BSD-3-Clause
"""Malformed traffic at full speed: steerd neither grows, nor loses a descriptor, nor fails a good client meanwhile.

Somebody on the Internet sends an authoritative server some malformed packets a second; 100 is a bad day. 24 hours of
that are 8,640,000 packets: SOAK_PACKETS=8640000 runs them (a minute or two), without it there are as many as take some
seconds. The packets are those of packets.py, the corpus of the fuzzer and good queries, all mutated (tests/soak)."""
import contextlib
import os
import pathlib
import re
import subprocess

import dns.edns
import dns.message
import pytest

import kit
import packets

PACKETS = int(os.environ.get("SOAK_PACKETS", "400000"))
WARM_UP = 0.5            # of them, before memory is looked at: buffers and caches have their size then
GROWTH_KB = 512          # a leak of an octet per malformed query would be 6 MB in the full run
CONNECTIONS = 96
TOOL = pathlib.Path(kit.STEERD).parents[1] / "tests/soak/hostile"
CORPUS = kit.TOP / "tests/fuzz/corpus/message"
DATABASE = kit.TOP / "tests/data/geo/country.mmdb"
ZONE = packets.ZONE + """\
alias 60 IN CNAME www
*.wild 60 IN A 192.0.2.3
sub 60 IN NS ns.sub
ns.sub 60 IN A 192.0.2.54
old 60 IN DNAME wild
""" + "".join(f'big 60 IN TXT "{number} {"x" * 200}"\n' for number in range(10))


def good_queries():
    """What the names of the zone are asked for, plain and with options."""
    options = [dns.edns.ECSOption("198.51.100.0", 24), dns.edns.GenericOption(10, bytes(range(8))),
               dns.edns.GenericOption(3, b"")]
    for name in ("www", "alias", "x.wild", "x.sub", "y.old", "big", "geo", "steered", "nothing", "@"):
        for rtype in ("A", "AAAA", "TXT", "ANY", "MX"):
            full = f"{name}.example.com" if name != "@" else "example.com"
            yield dns.message.make_query(full, rtype, id=7).to_wire()
            yield dns.message.make_query(full, rtype, id=7, use_edns=0, payload=1232, options=options).to_wire()


def write_packets(folder):
    folder.mkdir()
    wires = [case.wire for case in packets.every()] + 3 * list(good_queries())
    wires += [path.read_bytes()[1:] for path in sorted(CORPUS.iterdir())]
    for number, wire in enumerate(wires):
        (folder / f"{number:04}").write_bytes(wire)


def memory_kb(server):
    """What the process has for itself: its share of the program's pages grows when other servers end."""
    text = pathlib.Path(f"/proc/{server.process.pid}/smaps_rollup").read_text()
    return int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.M)[1])


def connections(server):
    """And listeners: files come and go while nobody asks anything."""
    count = 0
    for link in pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(link).startswith("socket:")
    return count


def is_sanitized(server):
    """Sanitizers keep what was freed, so that memory says nothing."""
    return re.search(r"lib[atu]+san", pathlib.Path(f"/proc/{server.process.pid}/maps").read_text()) is not None


def counter(server, pattern):
    return int(re.search(f"^{pattern} (\\d+)$", server.request("GET", "/metrics").body.decode(), re.M)[1])


def send_hostile(server, count, seed):
    """The totals that the tool prints."""
    address, port = server.site.listen[0]
    done = subprocess.run([str(TOOL), "-s", address, "-p", str(port), "-n", str(count), "-r", str(seed), "-c",
                           str(CONNECTIONS), "-q", str(server.site.folder / "query"), str(server.site.folder / "packets")],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=60 + count / 2000, env=kit.make_environment())
    assert done.returncode == 0, done
    print(done.stdout.strip())
    return {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", done.stdout)}


@pytest.fixture
def server(site):
    if not TOOL.exists():
        pytest.skip(f"{TOOL} is not there (make builds it)")
    kit.make_regions(site, ["us-east-1a", "eu-west-1a"])
    site.topology["checks"]["web"]["interval"] = "1h"
    site.server["geo"] = [str(DATABASE)]
    site.zone(packets.ORIGIN, ZONE)
    tiers = [["us-east"], ["eu-west"]]
    site.policy(packets.ORIGIN, {"steered": {"endpoints": ["*"], "tiers": tiers},
                                 "geo": {"endpoints": ["*"], "tiers": tiers,
                                         "geo": [{"when": {"continent": "EU"}, "tiers": tiers[::-1]}]}})
    running = site.start()
    (site.folder / "query").write_bytes(packets.PLAIN)
    write_packets(site.folder / "packets")
    return running


def test_malformed_traffic_leaves_no_trace(server):
    before = connections(server)
    totals = [send_hostile(server, PACKETS * WARM_UP, 1)]
    server.wait(lambda: connections(server) <= before, "all connections are gone")
    warm_kb = memory_kb(server)
    totals.append(send_hostile(server, PACKETS * (1 - WARM_UP), 2))
    server.wait(lambda: connections(server) <= before, "all connections are gone")
    grown_kb = memory_kb(server) - warm_kb
    print(f"memory: {warm_kb} kB after the warm-up, {grown_kb:+} kB since")
    sent = sum(each["udp"] + each["good_udp"] for each in totals)
    assert counter(server, r'steerd_queries_total\{transport="udp"\}') == sent, "every packet was looked at"
    assert sum(each["repeated"] for each in totals) == 0, "no good query had to be repeated"
    assert all(each["good_tcp"] > 0 and each["connections"] > 0 and each["replies"] > 0 for each in totals)
    assert is_sanitized(server) or grown_kb <= GROWTH_KB
    assert server.addresses("www.example.com") == server.addresses("www.example.com", tcp=True) == ["192.0.2.1"]
