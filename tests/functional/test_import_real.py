# SPDX-License-Identifier: BSD-3-Clause
"""The real PowerDNS and Knot on the samples of tests/data/import beside steerd on what became of them: the same queries, and all
answers that come in a number of tries are the same. They are skipped where the servers are not installed (pdns-server with
pdns-backend-bind and pdns-backend-geoip; knot with knot-module-geoip): PDNS_SERVER, PDNS_MODULES and KNOT_GEOIP name them
elsewhere. With -s they tell how many queries agree."""
import glob
import os
import pathlib
import shutil
import subprocess

import dns.edns
import dns.exception
import dns.message
import dns.query
import pytest

import gdnsd
import importkit
import kit

PDNS = os.environ.get("PDNS_SERVER") or shutil.which("pdns_server", path=gdnsd.PATH)
MODULES = os.environ.get("PDNS_MODULES") or next(iter(glob.glob("/usr/lib/*/pdns")), "")
KNOTD = shutil.which("knotd", path=gdnsd.PATH)
GEOIP = os.environ.get("KNOT_GEOIP") or next(iter(glob.glob("/usr/lib/*/knot/modules-*/geoip.so")), "")
SUBNETS = (None, "192.0.2.0/25", "192.0.2.128/25", "198.51.100.0/24", "203.0.113.0/25", "203.0.113.128/25", "10.0.0.0/25",
           "10.0.0.128/26", "10.0.1.0/24", "10.1.0.0/24", "10.3.0.0/24", "172.16.0.0/24", "192.168.5.0/24", "8.8.8.0/24", "2001:db8:5::/48")


class Real:
    """A process, its folder and where it answers."""

    def __init__(self, site, command, folder, at, name="example.com"):
        self.at = at
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        site.webs.append(self)  # to be closed with the site
        kit.wait_for(lambda: self.process.poll() is not None or self.talks(name), "the other server answers")
        assert self.process.poll() is None, (folder / "log").read_text()

    def talks(self, name):
        try:
            return ask(self.at, name, "SOA", None)
        except (OSError, dns.exception.Timeout):
            return None

    def close(self):
        self.process.kill()
        self.process.wait()


def ask(at, name, rtype, subnet):
    """The data of the answer, sorted. Chains of CNAMEs end with the first: the rest is up to the resolver."""
    options = [dns.edns.ECSOption(subnet.split("/")[0], int(subnet.split("/")[1]))] if subnet else []
    query = dns.message.make_query(name, rtype, use_edns=0, options=options)
    for tries in range(3):
        try:
            return sorted(text for rrset in dns.query.udp(query, at[0], port=at[1], timeout=5).answer for text in map(str, rrset))
        except dns.exception.Timeout:
            if tries == 2:
                raise
    return None


def seen(at, name, rtype, subnet, count):
    return {" ".join(ask(at, name, rtype, subnet)) for _ in range(count)}


def compare(ours, theirs, queries, differ=()):
    """All queries, until both have given the same answers; which differ nevertheless."""
    found = []
    for name, rtype, subnet in queries:
        mine, other = set(), set()
        for _ in range(30):  # by chance one may be missing in so many answers, never one too many
            mine |= seen(ours, name, rtype, subnet, 4)
            other |= seen(theirs, name, rtype, subnet, 4)
            if mine == other:
                break
        if mine != other:
            found.append((name.partition(".")[0], rtype, subnet, sorted(mine), sorted(other)))
    print(f"\n{len(queries) - len(found)} of {len(queries)} queries agree")
    odd = [row for row in found if row[:3] not in differ]
    assert not odd, "\n".join(f"{name} {rtype} {subnet}: steerd {mine}, the other {other}" for name, rtype, subnet, mine, other in odd)


def make_queries(names, subnets=SUBNETS):
    return [(f"{name}.example.com", rtype, subnet) for name, rtypes in names.items() for rtype in rtypes for subnet in subnets]


@pytest.mark.skipif(not PDNS or not os.path.exists(f"{MODULES}/libgeoipbackend.so"), reason="no PowerDNS with its geoip backend")
def test_powerdns(site):
    imported = importkit.Imported(site, "powerdns", "--geo", importkit.DATABASE)
    folder = site.folder / "pdns"
    folder.mkdir()
    at = kit.new_address()
    at = at, kit.find_port(at)
    (folder / "named.conf").write_text(f'zone "example.com" {{ type master; file "{imported.source}/example.com.zone"; }};\n')
    settings = {"config-dir": folder, "module-dir": MODULES, "launch": "bind,geoip", "geoip-database-files": f"mmdb:{importkit.DATABASE}",
                "bind-config": folder / "named.conf", "local-address": at[0], "local-port": at[1], "enable-lua-records": "yes",
                "edns-subnet-processing": "yes", "socket-dir": folder, "cache-ttl": 0, "query-cache-ttl": 0, "negquery-cache-ttl": 0,
                "lua-health-checks-interval": 1, "disable-syslog": "yes", "setuid": "", "setgid": ""}
    real = Real(site, [PDNS, "--daemon=no", "--guardian=no", *(f"--{key}={value}" for key, value in settings.items())], folder, at)
    plain = {"dual": ("A", "AAAA"), "random": ("A",), "sample": ("A",), "weights": ("A",), "always": ("A",), "fixed": ("A",),
             "texts": ("TXT",), "alias": ("A",), "view": ("A",), "inside": ("A",), "ns1": ("A", "TXT"), "tail": ("A",)}
    # without pickclosest: 4.7 takes all addresses of such a database to be at 0, 0, as its latlon() tells
    compare(site.listen[0], real.at, make_queries(plain))
    for lost in ((), ("A1",), ("A1", "A2"), ("B1",)):
        imported.lose(*lost)
        up = {imported.webs[letter] for letter in ("A1", "A2") if letter not in lost} or \
            {imported.webs[letter] for letter in ("B1",) if letter not in lost}
        kit.wait_for(lambda: seen(real.at, "sets.example.com", "A", None, 20) == up and  # noqa: B023
                     not seen(real.at, "back.example.com", "A", None, 20) & {imported.webs[letter] for letter in lost},  # noqa: B023
                     "PowerDNS knows")
        compare(site.listen[0], real.at, make_queries({"sets": ("A",), "back": ("A",), "www": ("A", "TXT"), "all": ("A",)}, (None,)))


@pytest.mark.skipif(not KNOTD or not os.path.exists(GEOIP), reason="no Knot with its geoip module")
def test_knot(site):
    imported = importkit.Imported(site, "knot")
    at = kit.new_address()
    at = at, kit.find_port(at)
    path = imported.source / "knot.conf"
    text = path.read_text().replace("[ 127.0.0.1@5353, \"::1@5353\" ]", f"{at[0]}@{at[1]}").replace('"/run/knot"', f'"{imported.source}"')
    text = text.replace("    user: knot:knot\n", "").replace("    acl: transfer\n", "").replace("config-file: nowhere.conf", "config-file: nets.conf")
    text = text.replace('storage: "."', f'storage: "{imported.source}"')
    for name in "places", "nets", "chances":
        text = text.replace(f"config-file: {name}.conf", f"config-file: {imported.source}/{name}.conf")
    module = f"module:\n  - id: mod-geoip\n    file: {GEOIP}\n\n" if "KNOT_GEOIP" in os.environ else ""  # Debian's is loaded as it is
    path.write_text(f"{module}database:\n    storage: {imported.source}\n\n" + text)
    real = Real(site, [KNOTD, "-c", path], pathlib.Path(imported.source), at)
    queries = make_queries({"foo": ("A", "TXT"), "names": ("A", "TXT"), "net": ("A", "AAAA"), "half": ("A",), "gone": ("A",), "post": ("MX", "A"), "www": ("A",),
                            "ns1": ("A",), "nothing": ("A",)})
    # a view without the type: Knot before 3.5 answers that of the zone file, as the report says
    compare(site.listen[0], real.at, queries + make_queries({"net": ("TXT",)}, ("10.0.0.0/25", "10.0.0.128/26", "10.0.1.0/24", "8.8.8.0/24")),
            {("net", "AAAA", "10.0.0.128/26")})
