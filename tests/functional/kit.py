# SPDX-License-Identifier: BSD-3-Clause
"""What functional tests are made of: a configuration on disk, the real steerd on it, real web servers to lose.

No test waits for a fixed time: wait_for() polls until something is so, and fails with steerd's log when it never
becomes so. Addresses come out of 127.0.0.0/8, different ones in every worker and test, so that tests run in parallel
with any others on the machine.
"""
import collections
import contextlib
import ctypes
import hashlib
import http.client
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

import openapi

TOP = pathlib.Path(__file__).resolve().parents[2]
STEERD = pathlib.Path(os.environ.get("STEERD", TOP / "build/src/steerd")).resolve()
STEERCTL = pathlib.Path(os.environ.get("STEERCTL", STEERD.parent / "steerctl")).resolve()
PATIENCE_S = 30  # how long something may take that takes milliseconds on an idle machine; sanitizers are slow
WEB_PORT = 18080
DNS_PORT = 15300
FIRST_PORT, PORTS = 10500, 4500  # of find_port()
DEFECTS = ("Sanitizer", "runtime error:", "Assertion", "assertion failed")

numbers, ports = itertools.count(), itertools.count()


def new_address():
    """A loopback address that no other test of this or any other worker uses at the time."""
    number = next(numbers)
    block = (os.getpid() * 40503 + number // 254) % 32768  # of 254 addresses; those of other processes are far away
    return f"127.{64 + block // 256}.{block % 256}.{number % 254 + 1}"


def find_port(address):
    """A port of the address that is free for UDP and TCP at the moment. None of those that the kernel gives to whoever wants
    any: what nobody is to listen at, or is going to in a moment, would now and then be somebody else's by then."""
    while True:
        port = FIRST_PORT + (os.getpid() * 1009 + next(ports)) % PORTS
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind((address, port)), tcp.bind((address, port))
                return port
            except OSError:
                continue


def wait_for(holds, what, patience_s=PATIENCE_S):
    """The first true value of holds(); an assertion failure naming `what` if there is none in time."""
    deadline = time.monotonic() + patience_s
    while True:
        value = holds()
        if value:
            return value
        assert time.monotonic() < deadline, f"after {patience_s} s still not: {what}"
        time.sleep(0.01)


def cost_checks(server, count):
    """What the next `count` checks, or some more, take: turns of the prober's loop for each, and seconds of a processor (of the
    whole process). Both are the same on a machine that has other work; who goes round and round without a cause takes thousands."""
    def read():
        lines = [line.split() for line in server.request("GET", "/metrics").body.decode().splitlines()]
        fields = open(f"/proc/{server.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
        return (sum(int(line[1]) for line in lines if line[0].startswith("steerd_checks_total{")),
                next(int(line[1]) for line in lines if line[0] == "steerd_checks_turns_total"),
                (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
    before = read()
    now = server.wait(lambda: (now := read())[0] >= before[0] + count and now, f"{count} checks", 4 * PATIENCE_S)
    checks = now[0] - before[0]
    return (now[1] - before[1]) / checks, (now[2] - before[2]) / checks


def run_ip(*words):
    subprocess.run(["ip", *words], check=True)


class Network:
    """A network namespace of this thread's own, and a far one behind a link: whatever the test starts or opens is in the
    near one, unless it does so `with network.far():`. There are the addresses of endpoints."""
    CLONE_NEWNET = 0x40000000

    def __init__(self, *addresses):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.home, self.away = open("/proc/thread-self/ns/net", "rb"), []
        try:
            far, near = self.enter_new(), self.enter_new()
            self.away = [far, near]
            run_ip("link", "add", "up0", "type", "veth", "peer", "name", "up1")
            run_ip("link", "set", "up1", "netns", f"/proc/{os.getpid()}/fd/{far.fileno()}")
            run_ip("address", "add", "10.9.1.1/24", "dev", "up0")
            self.raise_link()
            with self.far():
                for address in addresses:
                    run_ip("address", "add", f"{address}/32", "dev", "lo")
                run_ip("address", "add", "10.9.1.2/24", "dev", "up1")
                run_ip("link", "set", "up1", "up")
        except BaseException:
            self.close()
            raise

    def enter(self, namespace):
        if self.libc.setns(namespace.fileno(), self.CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def enter_new(self):
        if self.libc.unshare(self.CLONE_NEWNET) != 0:
            raise PermissionError(ctypes.get_errno(), "unshare")
        run_ip("link", "set", "lo", "up")
        return open("/proc/thread-self/ns/net", "rb")

    @contextlib.contextmanager
    def far(self):
        self.enter(self.away[0])
        try:
            yield
        finally:
            self.enter(self.away[1])

    @staticmethod
    def raise_link():
        run_ip("link", "set", "up0", "up")
        run_ip("route", "add", "default", "via", "10.9.1.2")

    def close(self):
        self.enter(self.home)
        for namespace in [self.home, *self.away]:
            namespace.close()


class Web:
    """One process that serves several addresses: a region, say. Its loss is a kill."""

    def __init__(self, *web_addresses, port=WEB_PORT):
        self.addresses, self.port, self.process = web_addresses, port, None
        self.start()

    def start(self):
        script = pathlib.Path(__file__).with_name("endpoint.py")
        self.process = subprocess.Popen(["/usr/bin/python3", "-B", str(script), str(self.port), *self.addresses],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert json.loads(self.process.stdout.readline()) == {"ready": len(self.addresses)}

    def command(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def behave(self, mode, address=None, **how):
        """All addresses, or one, answer like this from now on."""
        for each in self.addresses if address is None else [address]:
            self.command(address=each, mode=mode, **how)

    def requests(self, address):
        return self.command(requests=address)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        if self.process.poll() is None:
            self.resume()
            self.kill()
        self.process.stdin.close()
        self.process.stdout.close()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("steerd", timeout=PATIENCE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Reply(collections.namedtuple("Reply", "status headers body")):
    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """A running steerd."""

    def __init__(self, site):
        self.site, self.process, self.log_path = site, None, site.folder / "steerd.log"

    def start_unread(self, stderr):
        """With an stderr that nobody reads: ready when it answers at both doors."""
        self.process = subprocess.Popen([str(STEERD), "-c", str(self.site.config)], stderr=stderr,
                                        stdin=subprocess.DEVNULL, env=make_environment())
        self.wait(self.answers, "answers")
        return self

    def talks(self):
        """Has the API a door that opens?"""
        assert self.process.poll() is None, f"steerd ended with {self.process.returncode}"
        try:
            return self.request("GET", "/v1/status").status == 200
        except OSError:
            return False

    def answers(self):
        try:
            return self.talks() and self.ask("example.com", "SOA")
        except (OSError, dns.exception.Timeout):
            return False

    def start(self):
        with open(self.log_path, "ab") as log:
            offset = log.tell()
            self.process = subprocess.Popen([*self.site.launcher, str(self.site.program or STEERD), "-c", str(self.site.config)], stderr=log,
                                            stdin=subprocess.DEVNULL, env=self.site.environment or make_environment())
        self.wait(lambda: "answers queries" in self.read_log(offset) or self.process.poll() is not None, "started")
        assert self.process.poll() is None, f"steerd ended with {self.process.returncode}: {self.read_log(offset)}"
        return self

    def stop(self, number=signal.SIGTERM):
        """End it and hold it to a clean end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"steerd did not end after {number!r}: {self.read_log()[-3000:]}") from None
        self.assert_no_defect()
        assert code == 0, f"steerd ended with {code}: {self.read_log()[-3000:]}"

    def kill(self):
        """As the machine might: no chance to clean up."""
        self.process.kill()
        self.process.wait()

    def assert_no_defect(self):
        log = self.read_log()
        found = [defect for defect in DEFECTS if defect in log]
        assert not found, f"{found} in the log: {log[-6000:]}"

    def read_log(self, offset=0):
        return self.log_path.read_bytes()[offset:].decode(errors="replace") if self.log_path.exists() else ""

    def wait(self, holds, what, patience_s=PATIENCE_S):
        try:
            return wait_for(holds, what, patience_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.read_log()[-4000:]}") from None

    def wait_log(self, *words, offset=0):
        """The first log line with all of the words."""
        def find():
            for line in self.read_log(offset).splitlines():
                if all(word in line for word in words):
                    return line
            return None
        return self.wait(find, f"a log line with {words}")

    # ---- DNS ----

    def send(self, query, tcp=False, at=None, timeout=10):
        address, port = at or self.site.listen[0]
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(query, address, port=port, timeout=timeout)

    def ask(self, name, rtype="A", tcp=False, at=None, edns=False, **options):
        """One answer; edns=0 with payload=… for EDNS."""
        return self.send(dns.message.make_query(name, rtype, use_edns=edns, **options), tcp, at)

    def addresses(self, name, rtype="A", **options):
        """The sorted address records of the answer section."""
        wanted = dns.rdatatype.from_text(rtype)
        reply = self.ask(name, rtype, **options)
        return sorted(rdata.to_text() for rrset in reply.answer if rrset.rdtype == wanted for rdata in rrset)

    def sample(self, name, count=40, rtype="A"):
        """How often each address was in `count` answers."""
        return collections.Counter(address for _ in range(count) for address in self.addresses(name, rtype))

    def wait_answers(self, name, expected, rtype="A"):
        """Until 20 answers in a row have only addresses of `expected`; then each of 20 was one of them."""
        expected = set(expected)
        self.wait(lambda: set(self.sample(name, 20, rtype)) <= expected and self.addresses(name, rtype),
                  f"{name} answers with {sorted(expected)}")

    # ---- the API ----

    def request(self, method, path, body=None, headers=None):
        connection = UnixConnection(self.site.socket)
        try:
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            headers = {"Content-Type": "application/json", **(headers or {})} if body is not None else headers or {}
            connection.request(method, path, body, headers)
            got = connection.getresponse()
            reply = Reply(got.status, got.headers, got.read())
            openapi.judge(method, path, reply)
            return reply
        finally:
            connection.close()

    def get(self, path):
        reply = self.request("GET", path)
        assert reply.status == 200, reply
        return reply.json

    def put(self, path, body):
        reply = self.request("PUT", path, body)
        assert reply.status == 200, reply
        return reply.json

    def override(self, kind, name, state, reason="a test", **more):
        """Also the last place of a name, unless allow_unserved=False."""
        return self.put(f"/v1/{kind}s/{name}/override", {"state": state, "reason": reason, "allow_unserved": True, **more})

    def wait_state(self, kind, name, **expected):
        """Until the target's fields are as expected; returns it."""
        def look():
            target = self.get(f"/v1/{kind}s/{name}")
            return target if all(target[key] == value for key, value in expected.items()) else None
        return self.wait(look, f"{kind} {name} is {expected}")

    def reload(self):
        return self.request("POST", "/v1/reload")

    # ---- steerctl ----

    def ctl(self, *arguments, code=0):
        """Run steerctl, hold it to its exit code, return the completed process."""
        done = run_ctl("-s", str(self.site.socket), *arguments)
        assert code is None or done.returncode == code, f"steerctl {arguments}: {done}"
        return done

    def ctl_json(self, *arguments, code=0):
        return json.loads(self.ctl(*arguments, "--json", code=code).stdout)


def copy_for_others(folder, *programs):
    """Copies of programs that others can run: the folder of the build, or one above it, may be closed to them."""
    copies = pathlib.Path(folder) / "programs"
    copies.mkdir(exist_ok=True)
    for program in programs:
        shutil.copy(program, copies)
    for path in (copies, *copies.iterdir()):
        path.chmod(0o755)
    return [copies / pathlib.Path(program).name for program in programs]


def make_environment():
    """Sanitizers say all they know, and end a process with leaks or races with a code of its own."""
    return {**os.environ, "LC_ALL": "C.UTF-8",
            "ASAN_OPTIONS": "detect_leaks=1:exitcode=66", "UBSAN_OPTIONS": "print_stacktrace=1:exitcode=66",
            "TSAN_OPTIONS": f"exitcode=66:second_deadlock_stack=1:suppressions={TOP}/tests/functional/tsan.txt"}


def run_ctl(*arguments):
    return subprocess.run([str(STEERCTL), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False, env=make_environment())


def list_verbs():
    """Those of `steerctl help`, which has several in a line."""
    return [verb for left in re.findall(r"^  ([a-z].{26}) ", run_ctl("help").stdout, re.M) for verb in re.findall(r"\b[a-z-]+", left)]


def run_steerd(*arguments):
    """steerd with a verb that ends by itself, such as --check."""
    done = subprocess.run([str(STEERD), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False, env=make_environment())
    assert not any(defect in done.stderr for defect in DEFECTS), done.stderr
    return done


SOA = "@ 300 IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ 300 IN NS ns1\nns1 300 IN A 192.0.2.53\n"


class Site:
    """A configuration folder: documents as dicts, zone files as text; write() puts them on disk."""

    def __init__(self, folder):
        self.folder = folder
        self.config = folder / "steerd.json"
        self.socket = folder / "s"
        self.listen = [(new_address(), DNS_PORT)]
        self.server = {"zones": "zones", "state": "var", "admin": {"socket": "s"}}
        self.topology = None
        self.zones = {}     # origin -> text
        self.policies = {}  # origin -> document, or text
        self.running, self.webs = [], []
        self.environment = None  # of the server, if it is not the usual one
        self.launcher = []  # a command that starts it
        self.program = None  # another one than STEERD

    def zone(self, origin, text, soa=SOA):
        self.zones[origin] = soa + text
        return self

    def policy(self, origin, names):
        self.policies[origin] = {"names": names}
        return self

    def write(self):
        (self.folder / "zones").mkdir(exist_ok=True)
        listen = [f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address, port in self.listen]
        document = {"listen": listen, **self.server}
        if self.topology is not None:
            document["topology"] = "topology.json"
            self.put("topology.json", self.topology)
        self.put("steerd.json", document)
        for origin, text in self.zones.items():
            self.put(f"zones/{origin}.zone", text)
        for origin, document in self.policies.items():
            self.put(f"zones/{origin}.json", document)
        return self

    def put(self, path, content):
        """Replace a file as an editor does, in one step."""
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        beside = self.folder / (path + ".new")
        beside.write_text(text)
        beside.rename(self.folder / path)

    def start(self):
        self.write()
        server = Server(self)
        self.running.append(server)
        return server.start()

    def hide_store(self):
        """Between two servers: the store cannot be read at the next start, until what this returns is called."""
        path = self.folder / "var/store.db"
        with contextlib.closing(sqlite3.connect(path)) as store:
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what a kill has left in the log
        good = path.read_bytes()
        path.write_bytes(b"no store " * 1000)

        def put_back():
            path.unlink()
            path.write_bytes(good)
        return put_back

    def web(self, *web_addresses):
        web = Web(*web_addresses)
        self.webs.append(web)
        return web

    def close(self):
        """End everything; the first defect of a server is what the test fails with."""
        with contextlib.ExitStack() as stack:
            for web in self.webs:
                stack.callback(web.close)
            for server in self.running:
                if server.process.returncode != -signal.SIGKILL:
                    stack.callback(server.stop)


@contextlib.contextmanager
def new_site():
    """A site in a folder of its own; whatever was started in it is ended. Not in tmp_path: the path of a unix socket has
    107 octets at most."""
    with tempfile.TemporaryDirectory(prefix="steerd.") as folder:
        site = Site(pathlib.Path(folder))
        try:
            yield site
        finally:
            site.close()


def write_objects(folder, kind, values):
    """Into the store of a server that does not run, with entries of the journal as another version could write them (doc/store.md)."""
    with contextlib.closing(sqlite3.connect(folder / "var/store.db")) as store, store:
        [(identity,)] = store.execute("SELECT value FROM meta WHERE name = 'id'")
        seq, digest = store.execute("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1").fetchone() or (
            0, hashlib.sha256(b"steerd journal 1\n" + identity.encode()).digest())
        for key, value in values.items():
            seq += 1
            [(before,)] = store.execute("SELECT coalesce(max(revision), 0) FROM objects WHERE kind = ? AND key = ?", (kind, key))
            wall_ms, texts = int(time.time() * 1000), (kind, key, "", "", "", "", value)
            octets = [struct.pack(">4q", seq, wall_ms, 0, before), *(struct.pack(">I", len(text.encode())) + text.encode() for text in texts)]
            digest = hashlib.sha256(digest + b"".join(octets)).digest()
            store.execute("INSERT INTO journal VALUES(?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (seq, wall_ms, before, *texts, digest))
            store.execute("INSERT OR REPLACE INTO objects VALUES(?, ?, ?, ?, ?, 0)", (kind, key, value, seq, wall_ms))


def make_regions(site, azs=("us-east-1a", "us-east-1b", "eu-west-1a", "eu-west-1b"), **check):
    """One endpoint per az, each with an address of its own and an http check. Returns az -> address."""
    at = {az: new_address() for az in azs}
    regions = {}
    for az in azs:
        regions.setdefault(az[:-3], {"azs": {}})["azs"][az] = {}
    site.topology = {
        "regions": regions,
        "checks": {"web": {"type": "http", "port": WEB_PORT, "path": "/healthz", "interval": "200ms",
                           "timeout": "200ms", "fall": 3, "rise": 2, **check}},
        "endpoints": {f"web-{az}": {"az": az, "addresses": [at[az]], "checks": ["web"]} for az in azs},
    }
    return at


if __name__ == "__main__":
    sys.exit("a module for the tests beside it: pytest-3 tests/functional")
