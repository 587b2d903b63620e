# SPDX-License-Identifier: BSD-3-Clause
"""A real etcd of one or several members on loopback, in a folder of its own, by HTTP or by TLS with certificates made on the spot. A
member's loss is a signal. Client is src/etcd (tests/functional/etcd_client.c): orders in, what comes back out."""
import contextlib
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading

import kit

ETCD, ETCDCTL = shutil.which("etcd", path="/usr/bin:/usr/local/bin"), shutil.which("etcdctl", path="/usr/bin:/usr/local/bin")
PROGRAM = kit.STEERD.parent / "steerd-etcd"
CLIENT = kit.STEERD.parents[1] / "tests/functional/etcd_client"
MEMORY = "/dev/shm"  # etcd waits for the disk with each write


def is_sanitized():
    """AddressSanitizer keeps what is freed for a while."""
    return b"__asan" in PROGRAM.read_bytes()


def find_memory(pid, what="VmRSS"):
    """In octets; VmHWM: the most there ever was."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what)) * 1024


def find_program(pid):
    """The process of steerd-etcd that this one has, or None."""
    found = subprocess.run(["pgrep", "-P", str(pid), "-x", "steerd-etcd"], capture_output=True, text=True, check=False).stdout.split()
    return int(found[0]) if found else None


def run_openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdin=subprocess.DEVNULL, capture_output=True)


class Authority:
    """NAME.pem and NAME.key: `ca`, and what it has signed."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = pathlib.Path(folder), name
        run_openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                    "-keyout", self.path(name, "key"), "-out", self.path(name))

    def path(self, name, ending="pem"):
        return self.folder / f"{name}.{ending}"

    def sign(self, name, *addresses):
        request, extensions = self.path(name, "csr"), self.path(name, "ext")
        extensions.write_text("subjectAltName = " + ", ".join(f"IP:{address}" for address in addresses) + "\n" if addresses else "")
        run_openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-keyout", self.path(name, "key"), "-out", request)
        run_openssl("x509", "-req", "-in", request, "-CA", self.path(self.name), "-CAkey", self.path(self.name, "key"), "-CAcreateserial",
                    "-days", "30", "-extfile", extensions, "-out", self.path(name))


class Member:
    def __init__(self, cluster, number, address=None):
        self.cluster, self.name = cluster, f"m{number}"
        self.address = address or kit.new_address()
        self.scheme = "https" if cluster.authority else "http"
        self.url = f"{self.scheme}://{self.address}:{kit.find_port(self.address)}"
        self.peer_url = f"http://{self.address}:{kit.find_port(self.address)}"
        self.folder = cluster.folder / self.name
        self.process = None

    def start(self, state="new"):
        cluster, authority = self.cluster, self.cluster.authority
        words = [ETCD, "--name", self.name, "--data-dir", self.folder, "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                 "--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url, "--initial-cluster-state", state,
                 "--initial-cluster", ",".join(f"{member.name}={member.peer_url}" for member in cluster.members),
                 "--logger", "zap", "--log-outputs", "stderr", *cluster.options]
        if authority:
            words += ["--cert-file", authority.path(self.name), "--key-file", authority.path(self.name, "key"), "--client-cert-auth",
                      "--trusted-ca-file", authority.path("ca")]
        with open(cluster.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in words], stdout=log, stderr=log)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def restart(self):
        self.kill()
        self.start("existing")

    def empty(self):
        """As after the loss of its disk; of a cluster of one."""
        self.kill()
        shutil.rmtree(self.folder)
        self.start()


class Etcd:
    """addresses: of the members; enter(number): a context in which that one is started, another network namespace say; options: of etcd."""

    def __init__(self, count=1, tls=False, addresses=(), enter=lambda number: contextlib.nullcontext(), options=()):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="etcd-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        self.authority = Authority(self.folder) if tls else None
        self.members = []
        for number in range(count):
            with enter(number):
                self.members.append(Member(self, number, addresses[number] if addresses else None))
        self.user = None
        try:
            for number, member in enumerate(self.members):
                if tls:
                    self.authority.sign(member.name, member.address)
                with enter(number):
                    member.start()
            if tls:
                self.authority.sign("client")
            self.wait()
        except BaseException:
            self.close()
            raise

    @property
    def urls(self):
        return [member.url for member in self.members]

    def run_ctl(self, *words, members=None, check=True, **more):
        urls = ",".join(member.url for member in members or self.members)
        options = ["--endpoints", urls, "--command-timeout", "5s"]
        if self.authority:
            options += ["--cacert", self.authority.path("ca"), "--cert", self.authority.path("client"), "--key", self.authority.path("client", "key")]
        if self.user:
            options += ["--user", self.user]
        return subprocess.run([ETCDCTL, *map(str, options), *map(str, words)], check=check, capture_output=True, text=True,
                              env={**os.environ, "ETCDCTL_API": "3"}, **more)

    def ctl(self, *words, **more):
        return self.run_ctl(*words, **more).stdout

    def wait(self, members=None):
        """Until they answer, with a leader."""
        kit.wait_for(lambda: self.run_ctl("endpoint", "health", members=members, check=False).returncode == 0, "etcd answers")

    def find_leader(self):
        def look():
            for member in self.members:
                if member.process.poll() is not None:
                    continue
                found = self.run_ctl("endpoint", "status", "-w", "json", members=[member], check=False)
                if found.returncode == 0:
                    status = json.loads(found.stdout)[0]["Status"]
                    if status["header"]["member_id"] == status["leader"]:
                        return member
            return None
        return kit.wait_for(look, "etcd has a leader")

    def replace(self, member, rest):
        """It is taken out of the cluster for good; another one begins at its address, with nothing."""
        number = next(line.split(",")[0] for line in self.ctl("member", "list", members=rest).splitlines() if line.split(", ")[2] == member.name)
        def change(*words):  # refused until all of them have been there for some seconds
            kit.wait_for(lambda: self.run_ctl("member", *words, members=rest, check=False).returncode == 0, f"etcd takes member {words}")
        change("remove", number)
        member.kill()
        shutil.rmtree(member.folder, ignore_errors=True)
        change("add", member.name, "--peer-urls", member.peer_url)
        member.start("existing")
        self.wait()

    def get(self, key):
        return self.ctl("get", key, "--print-value-only").rstrip("\n")

    def close(self):
        for member in self.members:
            if member.process is not None and member.process.poll() is None:
                member.signal(signal.SIGCONT)
            member.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()


class Client:
    """Answers by number, watches by number: lists of what came."""

    def __init__(self, etcd=None, urls=None, program=PROGRAM, **options):
        if etcd is not None and etcd.authority:
            paths = {"ca": etcd.authority.path("ca"), "certificate": etcd.authority.path("client"), "key": etcd.authority.path("client", "key")}
            options = {**paths, **options}
        words = [CLIENT, program, ",".join(urls or etcd.urls), *(f"{name}={value}" for name, value in options.items())]
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.answers, self.news, self.rest = {}, {}, queue.Queue()
        self.readers = [threading.Thread(target=self.read, daemon=True), threading.Thread(target=self.read_errors, daemon=True)]
        self.errors = ""
        for reader in self.readers:
            reader.start()

    def read(self):
        for line in self.process.stdout:
            found = json.loads(line)
            if "number" in found:
                self.answers[found["number"]] = found
            elif "watch" in found:
                self.news.setdefault(found["watch"], []).append(found)
            else:
                self.rest.put(found)

    def read_errors(self):
        self.errors = self.process.stderr.read()

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def ask(self, *words):
        """The number of what was asked."""
        self.say(*words)
        return self.rest.get(timeout=kit.PATIENCE_S)["asked"]

    def wait(self, number):
        return kit.wait_for(lambda: self.answers.get(number), f"an answer to {number}")

    def do(self, *words):
        return self.wait(self.ask(*words))

    def good(self, *words):
        answer = self.do(*words)
        assert answer["error"] == 0, answer
        return answer

    def set_deadline(self, ms):
        self.say("deadline", ms)

    def status(self):
        self.say("status")
        return self.rest.get(timeout=kit.PATIENCE_S)

    def watch(self, prefix, revision=0):
        number = self.ask("watch", prefix, revision)
        self.news.setdefault(number, [])
        return number

    def told(self, number, event):
        return [one for one in self.news[number] if one["event"] == event]

    def wait_told(self, number, event, count=1):
        return kit.wait_for(lambda: self.told(number, event)[count - 1:], f"watch {number}: {event}, {count} times")[0]

    def changes(self, number):
        return [change for one in self.told(number, "changed") for change in one["changes"]]

    def find_program(self):
        return find_program(self.process.pid)

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(timeout=kit.PATIENCE_S)
        for reader in self.readers:
            reader.join(timeout=kit.PATIENCE_S)
        assert self.process.returncode == 0, (self.process.returncode, self.errors)
        assert not any(defect in self.errors for defect in kit.DEFECTS), self.errors

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.close()
        else:
            self.process.kill()
