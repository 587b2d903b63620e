# SPDX-License-Identifier: BSD-3-Clause
"""A sample of tests/data/import filled in, turned into a configuration by the real `steerctl import`, and a steerd on it."""
import json
import pathlib
import shutil
import subprocess

import dns.edns
import dns.message

import gdnsd
import kit
import nameserver

SAMPLES = kit.TOP / "tests/data/import"
DATABASE = kit.TOP / "tests/data/geo/city.mmdb"
FILES = {"powerdns": ["example.com.zone"], "knot": ["knot.conf"],
         "route53": ["records.json", "health-checks.json", "cidr-blocks.json"],
         "cloudflare": ["load-balancers.json", "pools.json", "monitors.json", "dns-records.json", "regions.json"]}
LETTERS = ("A1", "A2", "B1", "C1")


def fill_in(source, folder, values):
    """A copy of the sample with %NAME% replaced by its value."""
    shutil.copytree(SAMPLES / source, folder)
    for path in folder.iterdir():
        text = path.read_text()
        for name, value in {"GEO": DATABASE, **values}.items():
            text = text.replace(f"%{name}%", str(value))
        path.write_text(text)
    return folder


PLAIN = {"WEB": 8080, "A1": "192.0.2.101", "A2": "192.0.2.102", "B1": "192.0.2.103", "C1": "192.0.2.104"}


def run(source, files, target, *options):
    return subprocess.run([str(kit.STEERCTL), "import", source, *map(str, files), "--to", str(target), *map(str, options)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=kit.PATIENCE_S)


def check(target):
    return kit.run_steerd("-c", str(target / "steerd.json"), "--check")


def policy(target, origin="example.com"):
    return json.loads((target / "zones" / f"{origin}.json").read_text())["names"]


def topology(target):
    return json.loads((target / "topology.json").read_text())


class Imported:
    """Web addresses A1, A2, B1 and C1, and steerd on what became of the sample."""

    def __init__(self, site, source, *options):
        self.webs = {letter: kit.new_address() for letter in LETTERS}
        port = gdnsd.find_web_port(*self.webs.values())
        self.web = site.web(*self.webs.values()) if port == kit.WEB_PORT else kit.Web(*self.webs.values(), port=port)
        site.webs.append(self.web)
        self.source = fill_in(source, site.folder / "from", {"WEB": port, **self.webs})
        self.target = site.folder / "to"
        self.done = run(source, [self.source / name for name in FILES[source]], self.target, *options)
        assert self.done.returncode in (0, 1), self.done
        checked = check(self.target)
        assert checked.returncode == 0, checked
        self.topology = self.hasten()
        self.server = self.start(site)

    def hasten(self):
        """Checks often enough for a test."""
        document = topology(self.target)
        for one in document.get("checks", {}).values():
            if one["type"] in ("http", "tcp"):
                one.update(interval="200ms", timeout="200ms", fall=1, rise=1)
                one.pop("recheck", None)
        (self.target / "topology.json").write_text(json.dumps(document))
        return document

    def start(self, site):
        document = json.loads((self.target / "steerd.json").read_text())
        document["listen"] = [f"{site.listen[0][0]}:{site.listen[0][1]}"]
        document["admin"]["socket"] = "../s"
        hosts = sorted({endpoint["host"].lower() for endpoint in self.topology["endpoints"].values() if "host" in endpoint})
        addresses = {host: f"192.0.2.{200 + number}" for number, host in enumerate(hosts)}
        resolver = nameserver.Nameserver({host: {"A": [address]} for host, address in addresses.items()})
        site.webs.append(resolver)
        self.webs.update({host: address for host, address in addresses.items()})
        document["resolver"] = {"servers": [resolver.at]}
        (self.target / "steerd.json").write_text(json.dumps(document))
        site.config = pathlib.Path(self.target / "steerd.json")
        server = kit.Server(site)
        site.running.append(server)
        return server.start()

    # ---- health ----

    def lose(self, *letters):
        """The web servers of these addresses fail and the others work, and steerd knows."""
        down = {self.webs[letter] for letter in letters}
        for address in (self.webs[letter] for letter in LETTERS):
            self.web.behave("status" if address in down else "ok", address, status=503, body="ok")
        http = {name for name, one in self.topology.get("checks", {}).items() if one["type"] == "http"}
        for name, endpoint in self.topology["endpoints"].items():
            if http & set(endpoint.get("checks", [])) == set(endpoint.get("checks", [])) != set():
                address = endpoint.get("addresses", [None])[0]
                if address in [self.webs[letter] for letter in LETTERS]:
                    self.server.wait_state("endpoint", name, observed="unhealthy" if address in down else "healthy")

    # ---- answers ----

    def ask(self, name, rtype="A", subnet=None):
        options = [dns.edns.ECSOption(*subnet.split("/")[:1], int(subnet.split("/")[1]))] if subnet else []
        return self.server.send(dns.message.make_query(f"{name}.example.com" if name != "@" else "example.com", rtype, use_edns=0,
                                                       options=options))

    def answer(self, name, rtype="A", subnet=None):
        """The data of the answer, sorted, with letters and hosts for addresses."""
        shown = {address: letter for letter, address in self.webs.items()}
        return sorted(shown.get(text, text) for rrset in self.ask(name, rtype, subnet).answer for text in map(str, rrset))

    def answers(self, name, rtype="A", subnet=None, count=60):
        """All that came in so many answers, as sorted texts."""
        return {" ".join(self.answer(name, rtype, subnet)) for _ in range(count)}
