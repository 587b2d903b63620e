# SPDX-License-Identifier: BSD-3-Clause
"""options -> steerd.json, and what zones need to know of them."""
import ipaddress
import re

from . import vscf
from .zonefile import Limits

# What steerd needs no such setting for, and no answer depends on: why
NEEDLESS = {
    "run_dir": "what steerd has to keep is in \"state\"",
    "state_dir": "what steerd has to keep is in \"state\"; files of extfile below it are read where they are",
    "lock_mem": "steerd does not lock its memory; swap is for the system to turn off (MemorySwapMax= of systemd)",
    "zones_rfc1035_threads": "steerd loads zones with as many threads as there are processors (\"load_threads\")",
    "zones_strict_data": "steerd --check tells of all doubtful records",
    "udp_rcvbuf": "steerd sizes its sockets itself",
    "udp_sndbuf": "steerd sizes its sockets itself",
    "tcp_backlog": "steerd takes what the system allows",
    "tcp_fastopen": "steerd has none",
    "disable_tcp_dso": "steerd has no DSO",
    "disable_text_autosplit": "long strings are split in the zones that were made",
    "tcp_pad": "steerd does not pad answers; let the proxy that encrypts do so",
    "tcp_control": "steerctl reaches a server elsewhere by TLS: \"admin\": {\"listen\"} in steerd.json",
    "acme_challenge_ttl": "it is for challenges of gdnsdctl acme-dns-01, which steerd has nothing like",
    "tcp_threads": "threads serve UDP and TCP alike",
}
EDNS_SIZE = (512, 4096)
EDNS_DEFAULT = 1232
OWN_ADDRESS_OPTIONS = ("tcp_timeout", "tcp_clients_per_thread", "udp_threads")
CLIENTS_DEFAULT, THREADS_DEFAULT, TIMEOUT_DEFAULT = 256, 2, 37


class Settings:
    def __init__(self, node, report):
        self.node, self.report = node, report
        self.document = {"listen": self.read_listen(), "zones": "zones", "state": "var",
                         "admin": {"socket": "var/admin.sock"}}
        self.limits = Limits(self.integer("zones_default_ttl", 86400), self.integer("min_ttl", 5),
                             self.integer("max_ttl", 3600000), self.integer("max_ncache_ttl", 10800),
                             self.integer("acme_challenge_dns_ttl", 0))
        self.read_capacity()
        self.read_edns()
        self.read_identity()
        for key in node:
            if key in NEEDLESS:
                report.pass_over(node.place_of(key), f"option {key}: {NEEDLESS[key]}")
            elif key not in self.seen:
                report.leave_out(node.place_of(key), f"option {key}: steerd has none like it")

    seen = ("listen", "dns_port", "zones_default_ttl", "min_ttl", "max_ttl", "max_ncache_ttl", "acme_challenge_dns_ttl",
            "udp_threads", "tcp_timeout", "tcp_clients_per_thread", "max_edns_response", "max_edns_response_v6",
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
        if isinstance(node, vscf.Hash):
            addresses = [self.read_options(self.read_address(address, port, node.place_of(address)), options,
                                           node.place_of(address)) for address, options in node.items()]
        else:
            addresses = [self.read_address(str(vscf.as_text(item, "listen")), port, item.place)
                         for item in vscf.as_list(node)]
        return [self.without_subnets(address) for address in addresses]

    def without_subnets(self, address):
        if self.boolean("edns_client_subnet", True):
            return address
        return {**({"address": address} if isinstance(address, str) else address), "client_subnet": "off"}

    def read_options(self, address, options, place):
        """An address that has options of its own."""
        options = vscf.as_hash(options, "options of an address")
        is_proxied = "tcp_proxy" in options and vscf.as_boolean(options["tcp_proxy"], "tcp_proxy")
        for key in options:
            shown = f"listen {address}: {key}"
            if key in OWN_ADDRESS_OPTIONS:
                self.report.approximate(options.place_of(key), f"{shown} of one address; in steerd all addresses have the same")
            elif key in NEEDLESS:
                self.report.pass_over(options.place_of(key), f"{shown}: {NEEDLESS[key]}")
            elif key != "tcp_proxy":
                self.report.leave_out(options.place_of(key), f"{shown}: steerd has none like it")
        if not is_proxied:
            return address
        self.report.approximate(place, f"listen {address}: tcp_proxy: version 2 of the PROXY protocol, not 1, and UDP as well; "
                                       "gdnsd believes whoever connects: shorten \"proxies\"")
        return {"address": address, "proxies": ["0.0.0.0/0", "::/0"]}

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
        tcp = {"idle": f"{self.integer('tcp_timeout', TIMEOUT_DEFAULT)}s"}
        if "tcp_clients_per_thread" in self.node:
            tcp["clients"] = min(self.integer("tcp_clients_per_thread", CLIENTS_DEFAULT) *
                                 self.integer("tcp_threads", THREADS_DEFAULT) *
                                 max(len(self.document["listen"]), 1), 1048576)
        self.document["tcp"] = tcp

    def read_edns(self):
        sizes = [self.integer(key, EDNS_DEFAULT) for key in ("max_edns_response", "max_edns_response_v6")]
        size = min(max(min(sizes), EDNS_SIZE[0]), EDNS_SIZE[1])
        if size != EDNS_DEFAULT:
            self.document["edns_size"] = size
        if set(sizes) != {size}:
            self.report.approximate(self.node.place_of("max_edns_response"),
                                    f"answers over UDP have {size} octets at most, for IPv4 and IPv6")
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
            self.report.approximate(node.place_of("chaos_response"), "chaos_response: gdnsd answers every query of class CH with "
                                                                     "it, steerd version.bind and version.server")
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
