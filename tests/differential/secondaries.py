# SPDX-License-Identifier: BSD-3-Clause
"""NSD, Knot and BIND as secondaries of steerd: they copy zones with a key, hear NOTIFY with it, and give away what they
have to anybody on a loopback address. Nothing but NOTIFY makes them look again: refresh takes an hour."""
import oracles


class Settings:
    """Whom to copy from, and with which key."""

    def __init__(self, primary, key, secret, algorithm="hmac-sha256"):
        self.primary, self.key, self.secret, self.algorithm = primary, key, secret, algorithm


class Nsd(oracles.Nsd):
    settings = None

    def configure(self):
        server = oracles.Nsd.configure(self).split("remote-control:")[0]
        zones = "".join(f"""zone:
  name: {origin}
  zonefile: {origin}copy
  request-xfr: {self.settings.primary[0]}@{self.settings.primary[1]} {self.settings.key}
  allow-notify: {self.settings.primary[0]} {self.settings.key}
  outgoing-interface: {self.at[0]}
  provide-xfr: 127.0.0.0/8 NOKEY
""" for origin in self.zones)
        return f"""{server}
remote-control:
  control-enable: no
key:
  name: {self.settings.key}
  algorithm: {self.settings.algorithm}
  secret: "{self.settings.secret}"
{zones}"""


class Knot(oracles.Knot):
    settings = None

    def configure(self):
        zones = "".join(f"""  - domain: {origin}
    master: primary
    acl: [notify, transfer]
""" for origin in self.zones)
        return f"""server:
    rundir: "{self.folder}"
    listen: {self.at[0]}@{self.at[1]}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stdout
    any: info
database:
    storage: "{self.folder}/db"
key:
  - id: {self.settings.key}
    algorithm: {self.settings.algorithm}
    secret: {self.settings.secret}
remote:
  - id: primary
    address: {self.settings.primary[0]}@{self.settings.primary[1]}
    via: {self.at[0]}
    key: {self.settings.key}
acl:
  - id: notify
    address: {self.settings.primary[0]}
    key: {self.settings.key}
    action: notify
  - id: transfer
    address: 127.0.0.0/8
    action: transfer
template:
  - id: default
    storage: "{self.folder}"
    zonefile-sync: -1
    zonefile-load: none
    journal-content: none
    semantic-checks: off
zone:
{zones}"""


class Bind(oracles.Bind):
    settings = None

    def configure(self):
        options = oracles.Bind.configure(self).split("controls {")[0]
        zones = "".join(f"""zone "{origin}" {{
    type secondary;
    primaries {{ {self.settings.primary[0]} port {self.settings.primary[1]} key "{self.settings.key}"; }};
    allow-notify {{ key "{self.settings.key}"; }};
    allow-transfer {{ 127.0.0.0/8; }};
}};
""" for origin in self.zones)
        return f"""{options}
controls {{ }};
key "{self.settings.key}" {{ algorithm {self.settings.algorithm}; secret "{self.settings.secret}"; }};
{zones}"""


SECONDARIES = {"nsd": Nsd, "knot": Knot, "bind": Bind}
