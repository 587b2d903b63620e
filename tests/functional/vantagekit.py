# SPDX-License-Identifier: BSD-3-Clause
"""A vantage to run, and a server for it that says what a test wants it to say: lines of JSON over TLS 1.3."""
import hashlib
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading

import kit
import tlskit

STEERPROBE = pathlib.Path(os.environ.get("STEERPROBE", kit.STEERD.parent / "steerprobe/steerprobe")).resolve()
SECRET = "0123456789abcdef" * 2


def run_probe(*arguments, code=0, **options):
    done = subprocess.run([str(STEERPROBE), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=kit.PATIENCE_S, check=False, env=kit.make_environment(), **options)
    assert not any(defect in done.stderr for defect in kit.DEFECTS), done.stderr
    assert code is None or done.returncode == code, f"steerprobe {arguments}: {done}"
    return done


class Probe:
    """A running steerprobe with a state folder of its own."""

    def __init__(self, folder):
        self.folder, self.process, self.environment = folder, None, None
        self.log_path = folder.with_suffix(".log")

    def enrol(self, token, place, code=0):
        return run_probe("enrol", token, "--server", place, "--state", self.folder, code=code)

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(STEERPROBE), "--state", str(self.folder)], stderr=log,
                                            stdin=subprocess.DEVNULL, env=self.environment or kit.make_environment())
        self.wait_log("started")
        return self

    def read_log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait(self, holds, what):
        try:
            return kit.wait_for(holds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.read_log()[-4000:]}") from None

    def wait_log(self, *words):
        return self.wait(lambda: next((line for line in self.read_log().splitlines()
                                       if all(word in line for word in words)), None), f"a log line with {words}")

    def status(self):
        return json.loads(run_probe("status", "--json", "--state", self.folder).stdout)

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(kit.PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"steerprobe did not end: {self.read_log()[-3000:]}") from None
        log = self.read_log()
        assert not any(defect in log for defect in kit.DEFECTS), log[-6000:]
        assert code == 0, f"steerprobe ended with {code}: {log[-3000:]}"

    def close(self):
        if self.process is not None and self.process.returncode != -signal.SIGKILL:
            self.stop()


class Identity:
    """A key and a certificate that nobody but itself vouches for."""

    def __init__(self, folder, name="server"):
        folder.mkdir(exist_ok=True)
        self.key, self.certificate = folder / f"{name}.key", folder / f"{name}.pem"
        tlskit.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                   f"/CN={name}", "-keyout", self.key, "-out", self.certificate)
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        self.fingerprint = hashlib.sha256(der).hexdigest()

    def token(self, name):
        return f"v1.{name}.{SECRET}.{self.fingerprint}"


class Connection:
    """One vantage that has come, told and heard line by line."""

    def __init__(self, sock):
        sock.settimeout(kit.PATIENCE_S)
        self.sock, self.stream = sock, sock.makefile("rb")

    def say(self, **message):
        self.say_bytes(json.dumps(message).encode() + b"\n")

    def say_bytes(self, octets):
        self.sock.sendall(octets)

    def hear(self):
        """The next message: its kind, and what is in it. (None, None): the end."""
        line = self.stream.readline()
        if not line:
            return None, None
        (kind, content), = json.loads(line).items()
        return kind, content

    def expect(self, wanted, holds=lambda content: True):
        """The next one of a kind that is as it should be; others are passed over."""
        while True:
            kind, content = self.hear()
            assert kind is not None, f"it has closed, expected {wanted}"
            if kind == wanted and holds(content):
                return content

    def greet(self, heartbeat_ms=200, expires_ms=2000, server="fake"):
        hello = self.expect("hello")
        self.say(welcome={"version": 1, "server": server, "heartbeat_ms": heartbeat_ms, "expires_ms": expires_ms})
        return hello

    def list(self, generation, checks, targets):
        """checks: definitions, or (definition, files); targets: dicts, whose identity may be missing."""
        self.say(list={"generation": generation, "count": len(targets)})
        for index, check in enumerate(checks):
            definition, files = check if isinstance(check, tuple) else (check, {})
            self.say(check={"index": index, "definition": definition, "files": files})
        if targets:
            self.say(targets=[{"identity": f"{number + 1:016x}", "check": 0, "name": f"target {number}", "in_turn": False,
                               "idle": False, **target} for number, target in enumerate(targets)])
        self.say(listed={"generation": generation})
        return self.expect("taken", lambda taken: taken["generation"] == generation)

    def expect_opinion(self, index, verdict, generation=None):
        """Until it says so of a target."""
        def holds(content):
            return (generation is None or content["generation"] == generation) and any(
                item[0] == index and item[1] == verdict for item in content["items"])
        content = self.expect("opinions", holds)
        return next(item for item in content["items"] if item[0] == index and item[1] == verdict)

    def is_closed(self):
        try:
            while True:
                if self.hear()[0] is None:
                    return True
        except (OSError, ValueError):
            return True

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.stream.close()
        self.sock.close()


class FakeServer:
    def __init__(self, identity, address=None, port=None):
        self.identity, self.address = identity, address or kit.new_address()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(identity.certificate, identity.key)
        self.connections = []
        self.port = port or kit.find_port(self.address)
        self.listen()

    def listen(self):
        self.sock = socket.create_server((self.address, self.port), backlog=16)
        self.sock.settimeout(kit.PATIENCE_S)

    @property
    def place(self):
        return f"{self.address}:{self.port}"

    def accept(self):
        connection = Connection(self.context.wrap_socket(self.sock.accept()[0], server_side=True))
        self.connections.append(connection)
        return connection

    def enrol(self, probe, name="fra-1"):
        """A whole enrolment, from both sides."""
        said = {}

        def serve():
            connection = self.accept()
            said.update(connection.expect("enrol"))
            connection.say(enrolled={"name": name})
            connection.is_closed()
        thread = threading.Thread(target=serve)
        thread.start()
        probe.enrol(self.identity.token(name), self.place)
        thread.join()
        assert said == {"version": 1, "name": name, "token": self.identity.token(name)}

    def stop_listening(self):
        self.sock.close()

    def close(self):
        for connection in self.connections:
            connection.close()
        self.sock.close()
