# SPDX-License-Identifier: BSD-3-Clause
"""options -> steerd.json, and what zones need to know of them."""
import ipaddress
import re

from . import vscf
from .zonefile import Limits

# What has no counterpart because steerd needs no such setting, and no answer depends on it
NEEDLESS = ("run_dir", "state_dir", "lock_mem", "zones_rfc1035_threads", "zones_strict_data", "udp_rcvbuf", "udp_sndbuf",
            "tcp_backlog", "tcp_fastopen", "disable_tcp_dso", "disable_text_autosplit", "tcp_pad", "acme_challenge_ttl",
            "acme_challenge_dns_ttl", "tcp_control", "dns_port", "tcp_threads")
EDNS_SIZE = (512, 4096)
EDNS_DEFAULT = 1232
OWN_ADDRESS_OPTIONS = ("tcp_threads", "tcp_timeout", "tcp_clients_per_thread", "udp_threads")


class Settings:
    def __init__(self, node, report):
        self.node, self.report = node, report
        self.document = {"listen": self.read_listen(), "zones": "zones", "state": "var",
                         "admin": {"socket": "var/admin.sock"}}
        self.limits = Limits(self.integer("zones_default_ttl", 86400), self.integer("min_ttl", 5),
                             self.integer("max_ttl", 3600000), self.integer("max_ncache_ttl", 10800))
        self.read_capacity()
        self.read_edns()
        self.read_identity()
        known = NEEDLESS + ("listen", "zones_default_ttl", "min_ttl", "max_ttl", "max_ncache_ttl")
        for key in node:
            if key not in known and key not in self.seen:
                report.leave_out(node.place_of(key), f"option {key}: steerd has none like it")

    seen = ("udp_threads", "tcp_timeout", "tcp_clients_per_thread", "max_edns_response", "max_edns_response_v6",
            "edns_client_subnet", "chaos_response", "nsid", "nsid_ascii", "experimental_no_chain", "disable_cookies",
            "max_nocookie_response", "cookie_key_file")

    def integer(self, key, default):
        return vscf.as_integer(self.node[key], key) if key in self.node else default

    def boolean(self, key, default):
        return vscf.as_boolean(self.node[key], key) if key in self.node else default

    def ends_at_cname(self):
        return self.boolean("experimental_no_chain", True)

    # ---- addresses ----

    def read_listen(self):
        port = self.integer("dns_port", 53)
        node = self.node.get("listen", vscf.Text("any", self.node.place))
        if node == "any":
            return [f"0.0.0.0:{port}", f"[::]:{port}"]
        addresses = []
        if isinstance(node, vscf.Hash):
            for address, options in node.items():
                if self.keep_address(address, options, node.place_of(address)):
                    addresses.append(self.read_address(address, port, node.place_of(address)))
        else:
            addresses = [self.read_address(str(vscf.as_text(item, "listen")), port, item.place)
                         for item in vscf.as_list(node)]
        return addresses

    def keep_address(self, address, options, place):
        options = vscf.as_hash(options, "options of an address")
        if "tcp_proxy" in options and vscf.as_boolean(options["tcp_proxy"], "tcp_proxy"):
            self.report.leave_out(place, f"listen {address}: the PROXY protocol; the address is left out")
            return False
        for key in options:
            if key in OWN_ADDRESS_OPTIONS:
                self.report.approximate(options.place_of(key), f"listen {address}: {key} of one address; in steerd all "
                                                               "addresses have the same")
        return True

    @staticmethod
    def read_address(text, port, place):
        """IPv4[:PORT], IPv6 or [IPv6]:PORT -> as steerd writes it."""
        found = re.fullmatch(r"\[([^]]*)\](?::([0-9]+))?|([0-9.]+)(?::([0-9]+))?|([^\[\]]*)", text)
        host = found and (found[1] or found[3] or found[5])
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            raise vscf.Failure(f"{place}: found '{text}', expected an address, with or without a port") from None
        port = found[2] or found[4] or port
        return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"

    # ---- the rest ----

    def read_capacity(self):
        threads = self.integer("udp_threads", 2)
        self.document["threads"] = min(threads, 64)
        if threads > 64:
            self.report.approximate(self.node.place_of("udp_threads"), f"udp_threads is {threads}, steerd has 64 at most")
        tcp = {}
        if "tcp_clients_per_thread" in self.node:
            tcp["clients"] = min(self.integer("tcp_clients_per_thread", 256) * self.integer("tcp_threads", 2) *
                                 max(len(self.document["listen"]), 1), 1048576)
        if "tcp_timeout" in self.node:
            tcp["idle"] = f"{self.integer('tcp_timeout', 37)}s"
        if tcp:
            self.document["tcp"] = tcp

    def read_edns(self):
        sizes = [self.integer(key, EDNS_DEFAULT) for key in ("max_edns_response", "max_edns_response_v6")]
        size = min(max(min(sizes), EDNS_SIZE[0]), EDNS_SIZE[1])
        if size != EDNS_DEFAULT:
            self.document["edns_size"] = size
        if set(sizes) != {size}:
            self.report.approximate(self.node.place_of("max_edns_response"),
                                    f"answers over UDP have {size} octets at most, for IPv4 and IPv6")
        if not self.boolean("edns_client_subnet", True):
            self.report.leave_out(self.node.place_of("edns_client_subnet"),
                                  "edns_client_subnet: steerd always takes the client subnet option into account")
        if self.boolean("disable_cookies", False):
            self.document["cookies"] = False
        if "cookie_key_file" in self.node:
            self.report.approximate(self.node.place_of("cookie_key_file"),
                                    "cookie_key_file: gdnsd's keys do not fit RFC 9018; servers that share an address need "
                                    "cookies.secrets in steerd.json, the same in all of them")
        if self.integer("max_nocookie_response", 0):
            self.document["amplification"] = 10
            self.report.approximate(self.node.place_of("max_nocookie_response"),
                                    "max_nocookie_response: steerd bounds answers to ten times their query instead "
                                    "(amplification)")

    def read_identity(self):
        node = self.node
        if "chaos_response" in node:
            self.document["version"] = str(node["chaos_response"])[:128]
        if "nsid_ascii" in node:
            self.document["identity"] = str(node["nsid_ascii"])
        elif "nsid" in node:
            try:
                text = bytes.fromhex(node["nsid"]).decode("ascii")
            except ValueError:
                text = ""
            if text.isprintable() and text:
                self.document["identity"] = text
            else:
                self.report.leave_out(node.place_of("nsid"), "nsid: steerd's identity is text, this is not")
