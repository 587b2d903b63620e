# SPDX-License-Identifier: BSD-3-Clause
"""What doc/anycast.md and contrib/anycast show, with real routing daemons in network namespaces: two servers announce one
address to a router; one that is cut off withdraws its route, and clients behind the router are answered by the other one.

    client --- router --- ns1
                  |  \\--- ns2          and each of ns1, ns2 has a way of its own to `far`, where its control target is."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import kit

ANYCAST = "192.0.2.53"
CONTRIB = kit.TOP / "contrib/anycast"
BIRD, BIRDC = shutil.which("bird", path="/usr/sbin:/usr/bin"), shutil.which("birdc", path="/usr/sbin:/usr/bin")
EXABGP = shutil.which("exabgp", path="/usr/sbin:/usr/bin")

pytestmark = [pytest.mark.skipif(BIRD is None, reason="bird2 is not there"),
              pytest.mark.skipif(os.geteuid() != 0, reason="needs network namespaces")]


class Host:
    """A network namespace, for as long as a process of ours sleeps in it."""

    def __init__(self, name):
        self.name, self.started = name, []
        self.sleeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        mine = os.stat("/proc/self/ns/net").st_ino
        kit.wait_for(lambda: os.stat(f"/proc/{self.sleeper.pid}/ns/net").st_ino != mine, "it has a network of its own")
        self.enter = ["nsenter", "--net", "--target", str(self.sleeper.pid)]
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *words, check=True):
        return subprocess.run([*self.enter, *words], check=check, capture_output=True, text=True)

    def start(self, *words, **how):
        self.started.append(subprocess.Popen([*self.enter, *map(str, words)], **how))
        return self.started[-1]

    def link(self, other, mine, its):
        """mine, its: addresses of a /24."""
        here, there = f"to-{other.name}", f"to-{self.name}"
        self.run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", str(other.sleeper.pid))
        for host, device, address in ((self, here, mine), (other, there, its)):
            host.run("ip", "address", "add", f"{address}/24", "dev", device)
            host.run("ip", "link", "set", device, "up")

    def close(self):
        for process in [*self.started, self.sleeper]:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


class Scene:
    def __init__(self, stack):
        self.stack, self.hosts, self.sites, self.servers, self.birds = stack, {}, {}, {}, {}
        self.folder = stack.enter_context(kit.new_site()).folder
        for name in ("client", "router", "ns1", "ns2", "far"):
            self.hosts[name] = Host(name)
            stack.callback(self.hosts[name].close)
        router = self.hosts["router"]
        router.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
        router.link(self.hosts["client"], "10.7.3.1", "10.7.3.2")
        self.hosts["client"].run("ip", "route", "add", "default", "via", "10.7.3.1")
        for number in (1, 2):
            node = self.hosts[f"ns{number}"]
            router.link(node, f"10.7.{number}.1", f"10.7.{number}.2")
            self.hosts["far"].link(node, f"10.8.{number}.1", f"10.8.{number}.2")
            node.run("ip", "route", "add", "default", "via", f"10.7.{number}.1")
            node.run("ip", "address", "add", f"{ANYCAST}/32", "dev", "lo")
        self.hosts["far"].start("/usr/bin/python3", "-m", "http.server", "--bind", "0.0.0.0", "8080", cwd=self.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.start_bird("router", f"""
router id 10.7.3.1;
protocol device {{ }}
protocol kernel {{ ipv4 {{ export all; }}; }}
{self.neighbor(1, 200)}
{self.neighbor(2, 100)}
""")

    @staticmethod
    def neighbor(number, preference):
        """ns1 is the one that clients are sent to while it announces itself."""
        return f"""
protocol bgp ns{number} {{
	local 10.7.{number}.1 as 64511;
	neighbor 10.7.{number}.2 as 64512;
	hold time 9;
	connect retry time 1;
	error wait time 1, 2;
	ipv4 {{ import filter {{ bgp_local_pref = {preference}; accept; }}; export none; }};
}}"""

    def path(self, name):
        return self.folder / name

    def start_bird(self, name, text):
        conf = self.path(f"{name}.conf")
        conf.write_text(text)
        log = open(self.path(f"{name}.log"), "ab")
        self.stack.callback(log.close)
        self.birds[name] = self.hosts[name].start(BIRD, "-f", "-c", conf, "-s", self.path(f"{name}.ctl"), "-P", self.path(f"{name}.pid"), stderr=log)
        kit.wait_for(lambda: self.birdc(name, "show", "status").returncode == 0, f"bird of {name} runs")

    def birdc(self, name, *words):
        return subprocess.run([BIRDC, "-s", str(self.path(f"{name}.ctl")), *words], check=False, capture_output=True, text=True)

    def bird_of_node(self, number):
        """contrib's, with the paths of this test."""
        text = (CONTRIB / "bird.conf").read_text()
        text = re.sub(r"^log .*$", "log stderr all;", text, flags=re.M).replace("10.7.1.", f"10.7.{number}.")
        return text.replace("/run/steerd/anycast.conf", str(self.path(f"route{number}"))).replace("hold time 9;", "hold time 9; connect retry time 1; error wait time 1, 2;")

    def command(self, number):
        """As steerd.json or the watcher has it."""
        return ["/usr/bin/env", f"PATH={pathlib.Path(BIRDC).parent}:/usr/bin:/bin", str(CONTRIB / "bird-route"), f"{ANYCAST}/32", str(self.path(f"route{number}")),
                "-s", str(self.path(f"ns{number}.ctl"))]

    def start_steerd(self, number, **withdraw):
        site = self.stack.enter_context(kit.new_site())
        site.listen = [(ANYCAST, 53)]
        site.launcher = self.hosts[f"ns{number}"].enter
        site.server["identity"] = f"ns{number}"
        if withdraw:
            site.server["withdraw"] = {"after": "10s", "back_after": "1s", **withdraw}
        site.topology = {"checks": {"web": {"type": "http", "port": 8080, "interval": "500ms", "timeout": "400ms"}}, "regions": {"r": {"azs": {"a": {}}}}, "endpoints": {},
                         "brake": {"control": [{"address": f"10.8.{number}.1", "check": "web"}]}}
        site.zone("example.com", f"www 60 IN TXT ns{number}\n")
        self.sites[number], self.servers[number] = site, site.start()
        return self.servers[number]

    def cut(self, number, is_cut):
        """It loses its way to all that it knows of; its clients still reach it."""
        self.hosts["far"].run("ip", "link", "set", f"to-ns{number}", "down" if is_cut else "up")

    def asks(self):
        """Who answers the client: "ns1", "ns2", or what dig says."""
        done = self.hosts["client"].run("dig", f"@{ANYCAST}", "+short", "+tries=1", "+time=1", "www.example.com", "TXT", check=False)
        return done.stdout.strip().strip('"')

    def wait_answers(self, name):
        kit.wait_for(lambda: [self.asks() for _ in range(3)] == [name] * 3, f"the client is answered by {name}", 3 * kit.PATIENCE_S)

    def routes(self):
        return {name for name in ("ns1", "ns2") if f"{ANYCAST}/32" in self.birdc("router", "show", "route", "protocol", name).stdout}

    def wait_routes(self, *names):
        kit.wait_for(lambda: self.routes() == set(names), f"the router has routes to {names}", 3 * kit.PATIENCE_S)


@pytest.fixture
def scene():
    with contextlib.ExitStack() as stack:
        yield Scene(stack)


def start_pushing(scene):
    for number in (1, 2):
        scene.start_bird(f"ns{number}", scene.bird_of_node(number))
        scene.start_steerd(number, how="hook", command=scene.command(number))


def test_bird_is_told(scene):
    start_pushing(scene)
    scene.wait_routes("ns1", "ns2")
    scene.wait_answers("ns1")
    scene.cut(1, True)
    scene.wait_routes("ns2")
    scene.wait_answers("ns2")
    assert scene.servers[1].request("GET", "/v1/serving").json["command"]["settled"] == "withdraw"
    local = scene.hosts["ns1"].run("dig", f"@{ANYCAST}", "+short", "www.example.com", "TXT").stdout.strip()
    assert local == '"ns1"', "who still comes is answered"
    scene.cut(1, False)
    scene.wait_routes("ns1", "ns2")
    scene.wait_answers("ns1")


def test_bird_starts_anew(scene):
    """It goes by what it was told; and one that was away when it was to be told is told later."""
    start_pushing(scene)
    scene.wait_routes("ns1", "ns2")
    scene.birds["ns1"].kill()
    scene.birds["ns1"].wait()
    scene.cut(1, True)
    server = scene.servers[1]
    server.wait(lambda: (server.request("GET", "/v1/serving").json["command"] or {})["failures"] > 0, "BIRD cannot be told", 3 * kit.PATIENCE_S)
    scene.start_bird("ns1", scene.bird_of_node(1))
    server.wait(lambda: server.request("GET", "/v1/serving").json["command"]["settled"] == "withdraw", "it is told", 3 * kit.PATIENCE_S)
    scene.wait_routes("ns2")
    scene.cut(1, False)
    scene.wait_routes("ns1", "ns2")
    scene.birds["ns1"].kill()
    scene.birds["ns1"].wait()
    scene.start_bird("ns1", scene.bird_of_node(1))
    scene.wait_routes("ns1", "ns2")
    scene.wait_answers("ns1")


def test_maintenance(scene):
    """An operator moves clients away, and back."""
    start_pushing(scene)
    scene.wait_answers("ns1")
    scene.servers[1].ctl("withdraw", "--reason", "a new disk")
    scene.wait_answers("ns2")
    scene.servers[1].stop()
    scene.servers[1].start()
    scene.wait_routes("ns2")
    scene.servers[1].ctl("announce")
    scene.wait_answers("ns1")


def test_bird_is_kept_by_a_watcher(scene):
    """The other way round: something asks steerd, and notices also that it is not there."""
    for number in (1, 2):
        scene.start_bird(f"ns{number}", scene.bird_of_node(number))
        scene.start_steerd(number, how="hook", command=["/bin/true"])
        asks = scene.path(f"steerctl{number}")
        asks.write_text(f"#!/bin/sh\nexec {kit.STEERCTL} -s {scene.sites[number].socket} \"$@\"\n")
        asks.chmod(0o755)
        environment = {**kit.make_environment(), "STEERCTL": str(asks), "INTERVAL": "0.3"}
        scene.hosts[f"ns{number}"].start(CONTRIB / "watch", *scene.command(number), env=environment, stdout=subprocess.DEVNULL)
    scene.wait_routes("ns1", "ns2")
    scene.wait_answers("ns1")
    scene.cut(1, True)
    scene.wait_answers("ns2")
    scene.cut(1, False)
    scene.wait_answers("ns1")
    scene.servers[1].kill()
    scene.wait_routes("ns2")
    scene.wait_answers("ns2")
    scene.servers[1].start()
    scene.wait_answers("ns1")


@pytest.mark.skipif(EXABGP is None, reason="exabgp is not there")
def test_exabgp_asks(scene):
    for number in (1, 2):
        scene.start_steerd(number, how="hook", command=["/bin/true"])
        text = (CONTRIB / "exabgp.conf").read_text().replace("10.7.1.", f"10.7.{number}.")
        text = text.replace("steerctl serving", f"{kit.STEERCTL} -s {scene.sites[number].socket} serving").replace("--interval 2", "--interval 1")
        conf = scene.path(f"exabgp{number}.conf")
        conf.write_text(text)
        log = open(scene.path(f"exabgp{number}.log"), "ab")
        scene.stack.callback(log.close)
        scene.hosts[f"ns{number}"].start(EXABGP, conf, stdout=log, stderr=log,
                                         env={**kit.make_environment(), "exabgp_daemon_user": "root", "exabgp_tcp_bind": "", "exabgp_api_cli": "false"})
    scene.wait_routes("ns1", "ns2")
    scene.wait_answers("ns1")
    scene.cut(1, True)
    scene.wait_routes("ns2")
    scene.wait_answers("ns2")
    scene.cut(1, False)
    scene.wait_answers("ns1")
