# SPDX-License-Identifier: BSD-3-Clause
"""The other servers: each on an address or a port of its own, with its files in a folder of the test, ended by process
id. What they are told makes them answer as alike as they can: minimal responses, 1232 octets over UDP, no rate limit,
records in the order of the file."""
import os
import shutil
import subprocess

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

import kit

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
PORT = 15310


class Oracle:
    """One peer with zones as text by origin. start() returns when it answers for all of them."""
    program = ""

    def __init__(self, folder, zones):
        self.folder, self.zones, self.process = folder, zones, None
        self.at = (kit.new_address(), PORT)

    @classmethod
    def find(cls):
        return shutil.which(cls.program, path=PATH)

    def start(self):
        for origin, text in self.zones.items():
            (self.folder / f"{origin}zone").write_text(text)
        (self.folder / "config").write_text(self.configure())
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([self.find(), *self.arguments()], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=self.folder)
        try:
            for origin in self.zones:
                kit.wait_for(lambda origin=origin: self.serves(origin), f"{self.program} serves {origin}")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{(self.folder / 'log').read_text(errors='replace')[-3000:]}") from None
        return self

    def serves(self, origin):
        assert self.process.poll() is None, f"{self.program} ended with {self.process.returncode}"
        try:
            reply = dns.query.udp(dns.message.make_query(origin, "SOA"), self.at[0], port=self.at[1], timeout=1)
        except (OSError, dns.exception.DNSException):
            return False
        return reply.rcode() == dns.rcode.NOERROR and reply.flags & dns.flags.AA

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(kit.PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def configure(self):
        raise NotImplementedError

    def arguments(self):
        raise NotImplementedError


class Nsd(Oracle):
    program = "nsd"

    def configure(self):
        zones = "".join(f"zone:\n  name: {origin}\n  zonefile: {origin}zone\n" for origin in self.zones)
        return f"""server:
  server-count: 1
  ip-address: {self.at[0]}
  port: {self.at[1]}
  username: ""
  database: ""
  zonesdir: "{self.folder}"
  pidfile: "{self.folder}/pid"
  xfrdfile: "{self.folder}/xfrd"
  xfrdir: "{self.folder}"
  zonelistfile: "{self.folder}/list"
  logfile: "/dev/stderr"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  minimal-responses: no
  round-robin: no
  ipv4-edns-size: 1232
remote-control:
  control-enable: no
{zones}"""

    def arguments(self):
        return ["-d", "-c", "config"]


class Knot(Oracle):
    program = "knotd"

    def configure(self):
        zones = "".join(f"  - domain: {origin}\n    file: {origin}zone\n" for origin in self.zones)
        return f"""server:
    rundir: "{self.folder}"
    listen: {self.at[0]}@{self.at[1]}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 1232
log:
  - target: stdout
    any: notice
database:
    storage: "{self.folder}/db"
template:
  - id: default
    storage: "{self.folder}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
{zones}"""

    def arguments(self):
        return ["-c", "config"]


class Bind(Oracle):
    """named listens only on addresses that an interface has: 127.0.0.1, hence a port of its own."""
    program = "named"

    def __init__(self, folder, zones):
        super().__init__(folder, zones)
        self.at = ("127.0.0.1", kit.find_port("127.0.0.1"))

    def configure(self):
        zones = "".join(f'zone "{origin}" {{ type primary; file "{origin}zone"; }};\n' for origin in self.zones)
        return f"""options {{
    directory "{self.folder}";
    listen-on port {self.at[1]} {{ {self.at[0]}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    minimal-responses no-auth;
    edns-udp-size 1232;
    max-udp-size 1232;
    pid-file "{self.folder}/pid";
    session-keyfile "{self.folder}/session";
    managed-keys-directory "{self.folder}";
    dnssec-validation no;
    empty-zones-enable no;
    check-names primary ignore;
    check-integrity no;
    notify no;
    zero-no-soa-ttl no;
    rrset-order {{ order none; }};
}};
controls {{ }};
{zones}"""

    def arguments(self):
        return ["-g", "-n", "1", "-c", str(self.folder / "config")]


ORACLES = {"nsd": Nsd, "knot": Knot, "bind": Bind}
