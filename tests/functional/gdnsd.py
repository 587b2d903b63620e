# SPDX-License-Identifier: BSD-3-Clause
"""gdnsd beside steerd: a sample of tests/data/gdnsd filled in, converted by contrib/gdnsd2steerd, and both started."""
import collections
import json
import os
import pathlib
import shutil
import socket
import subprocess

import dns.edns
import dns.exception
import dns.message
import dns.query

import kit
import nameserver

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
GDNSD, GDNSDCTL = shutil.which("gdnsd", path=PATH), shutil.which("gdnsdctl", path=PATH)
CONVERTER = kit.TOP / "contrib/gdnsd2steerd"
SAMPLES = kit.TOP / "tests/data/gdnsd"
DATABASES = kit.TOP / "tests/data/geo"

PATIENCE_S = 10

Answer = collections.namedtuple("Answer", "rcode ttl records")


def find_web_port(*addresses):
    """A port that is free on all of the addresses."""
    while True:
        port = kit.find_port(addresses[0])
        try:
            for address in addresses:
                with socket.create_server((address, port)):
                    pass
            return port
        except OSError:
            continue


def fill_in(sample, folder, values):
    """A copy of the sample with %NAME% replaced by its value."""
    shutil.copytree(SAMPLES / sample, folder)
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_text()
            for name, value in values.items():
                text = text.replace(f"%{name}%", str(value))
            path.write_text(text)
    if (folder / "geoip").exists():
        shutil.copy(DATABASES / "country.mmdb", folder / "geoip")
        # gdnsd tells by this name what a database has; both have the same length
        city = (DATABASES / "city.mmdb").read_bytes().replace(b"steerd-test", b"GeoIP2-City")
        (folder / "geoip/city.mmdb").write_bytes(city)
    return folder


def convert(source, target, *options):
    return subprocess.run([str(CONVERTER), *options, str(source), str(target)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=kit.PATIENCE_S)


class Gdnsd:
    def __init__(self, folder, at):
        self.folder, self.at = folder, at
        self.log = folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([GDNSD, "-c", str(folder), "start"], stdin=subprocess.DEVNULL, stderr=log,
                                            stdout=log)

    def read_log(self):
        return self.log.read_text(errors="replace")

    def wait(self):
        kit.wait_for(lambda: "DNS listeners started" in self.read_log() or self.process.poll() is not None, "gdnsd started")
        assert self.process.poll() is None, self.read_log()

    def states(self):
        """State by "address/service", or by "plugin/resource/datacenter"."""
        done = subprocess.run([GDNSDCTL, "-c", str(self.folder), "states"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=kit.PATIENCE_S)
        return {key: value["state"] for key, value in json.loads(done.stdout).items()} if done.returncode == 0 else {}

    def close(self):
        self.process.kill()
        self.process.wait()


class Both:
    """Three web addresses A, B and C, gdnsd on a sample, and steerd on what became of it."""

    def __init__(self, site, sample):
        self.webs = dict(zip("ABC", (kit.new_address() for _ in range(3))))
        self.web = None
        port = find_web_port(*self.webs.values())
        at = kit.new_address()
        at = at, kit.find_port(at)
        self.source = fill_in(sample, site.folder / "gdnsd", {"LISTEN": f"{at[0]}:{at[1]}", "PORT": port, **self.webs,
                                                              "FOLDER": site.folder / "gdnsd"})
        (self.source / "flags").mkdir()
        for address in self.webs.values():
            (self.source / "flags" / address).touch()
        self.target = site.folder / "steerd"
        self.done = convert(self.source, self.target)
        assert self.done.returncode in (0, 2), self.done
        self.web = kit.Web(*self.webs.values(), port=port)
        site.webs.append(self.web)
        self.gdnsd = Gdnsd(self.source, at)
        site.webs.append(self.gdnsd)  # to be closed with the site
        self.steerd = self.start_steerd(site)
        self.gdnsd.wait()

    def start_steerd(self, site):
        """On the converted files as they are, but for the address, and checks often enough for a test."""
        document = json.loads((self.target / "steerd.json").read_text())
        document["listen"] = [f"{site.listen[0][0]}:{site.listen[0][1]}"]
        document["admin"]["socket"] = "../s"
        self.topology = json.loads((self.target / "topology.json").read_text())
        hosts = {endpoint["host"].lower() for endpoint in self.topology["endpoints"].values() if "host" in endpoint}
        resolver = nameserver.Nameserver({host: {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]} for host in hosts})
        site.webs.append(resolver)
        document["resolver"] = {"servers": [resolver.at]}
        (self.target / "steerd.json").write_text(json.dumps(document))
        site.config, site.folder = self.target / "steerd.json", self.target
        server = kit.Server(site)
        site.running.append(server)
        return server.start()

    # ---- health ----

    def set_down(self, *names):
        """Let the web servers of these addresses fail and the others work, and wait until both servers know."""
        down = {self.webs[name] for name in names}
        for address in self.webs.values():
            self.web.behave("status" if address in down else "ok", address, status=503)
        for endpoint, document in self.topology["endpoints"].items():
            if document.get("checks") and "web" in document["checks"]:
                wanted = "unhealthy" if down & set(document["addresses"]) else "healthy"
                self.steerd.wait_state("endpoint", endpoint, observed=wanted)
        wanted = {f"{address}/web": "DOWN" if address in down else "UP" for address in self.webs.values()}

        def agrees():
            states = self.gdnsd.states()
            return states and all(states.get(key, state) == state for key, state in wanted.items())
        kit.wait_for(agrees, f"gdnsd has {wanted}")

    def force_hosts_down(self, *hosts):
        """These host names and no others, by the file that both read."""
        path = self.source / "states"
        known = [line.split()[0] for line in path.read_text().splitlines()]
        wanted = {host: "DOWN" if host.rstrip(".").lower() in hosts else "UP" for host in known}
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(f"{host} => {state}/30\n" for host, state in wanted.items()))
        fresh.rename(path)
        for endpoint, document in self.topology["endpoints"].items():
            if "host" in document and document.get("checks"):
                state = "unhealthy" if document["host"].lower() in hosts else "healthy"
                self.steerd.wait_state("endpoint", endpoint, observed=state)
        wanted = {f"{host.lower()}/file": state for host, state in wanted.items()}

        def agrees():
            states = {key.lower(): state for key, state in self.gdnsd.states().items()}
            return states and all(states.get(key) == state for key, state in wanted.items())
        kit.wait_for(agrees, f"gdnsd has {wanted}")

    # ---- answers ----

    def ask(self, at, name, rtype="A", subnet=None):
        options = [dns.edns.ECSOption(*subnet)] if subnet else []
        query = dns.message.make_query(name, rtype, use_edns=0, options=options)
        for _ in range(3):
            try:
                reply = dns.query.udp(query, at[0], port=at[1], timeout=5)
                break
            except dns.exception.Timeout:
                continue
        else:
            raise AssertionError(f"no answer from {at} for {name}")
        found = sorted((rrset.rdtype, rdata.to_text()) for rrset in reply.answer for rdata in rrset)
        return Answer(reply.rcode(), min((rrset.ttl for rrset in reply.answer), default=None), tuple(found))

    def compare(self, name, rtype="A", subnet=None, ttl=True):
        """Until both give the same answer, at most: gdnsd uses what it knows a second later. Returns the answer's records,
        with A, B and C for the web addresses."""
        def both():
            answers = [self.ask(at, name, rtype, subnet) for at in (self.steerd.site.listen[0], self.gdnsd.at)]
            return answers if ttl else [answer._replace(ttl=None) for answer in answers]

        def agree():
            ours, theirs = both()
            return ours if ours == theirs else None
        try:
            return self.shown(kit.wait_for(agree, "the same answer", PATIENCE_S))
        except AssertionError:
            raise AssertionError("{} {} {}: steerd {}, gdnsd {}".format(name, rtype, subnet, *both())) from None

    def shown(self, answer):
        letters = {address: letter for letter, address in self.webs.items()}
        return [letters.get(text, text) for _, text in answer.records]

    def sample(self, at, name, rtype, count):
        """How often each set of records was the answer."""
        return collections.Counter(tuple(self.shown(self.ask(at, name, rtype))) for _ in range(count))


def read_policy(both, origin="example.com"):
    return json.loads(pathlib.Path(both.target, "zones", f"{origin}.json").read_text())["names"]
