# SPDX-License-Identifier: BSD-3-Clause
"""Monitors of Cloudflare's load balancers -> checks. Facts: Cloudflare API, schema of monitors."""
import re

from .draft import duration
from .jsonfile import Object, shorten
from .report import Failure

STAMPS = ("id", "created_on", "modified_on", "description")
PORTS = {"http": 80, "https": 443, "smtp": 25}
TYPES = ("http", "https", "tcp", "smtp", "icmp_ping", "udp_icmp")
RECHECK_S, BODY_MAX = 1, 200


class Monitors:
    def __init__(self, draft):
        self.draft, self.report = draft, draft.report
        self.known, self.asked = {}, set()

    def add(self, item):
        item.pass_over(*STAMPS)
        name = item.need("id", item.text("id"))
        if name in self.known:
            raise Failure(f"{item.place}: found the monitor {name} again")
        self.known[name] = item

    def use(self, name, pool, origin):
        """The names of the checks of an origin."""
        if not name:
            return ()
        if name not in self.known:
            self.report.leave_out(pool.place, f"monitor {name}: not in these files: nothing watches pool {pool.get('name')}")
            return ()
        item = self.known[name]
        self.asked.add(name)
        kind = item.need("type", item.text("type"))
        if kind not in TYPES:
            raise Failure(f"{item.place}: found {shorten(kind)} as type of a monitor, expected one of {', '.join(TYPES)}")
        check = {"type": {"smtp": "tcp", "icmp_ping": "icmp", "udp_icmp": "icmp"}.get(kind, kind)}
        port = item.integer("port", 0, 0, 65535) or PORTS.get(kind, 0)
        if kind in ("http", "https"):
            check["port"] = port
            self.add_http(check, item, origin)
        elif check["type"] == "tcp":
            if not port:
                raise Failure(f"{item.place}: found no port, which a monitor of type tcp needs")
            check["port"] = port
            check.update({"expect": "220"} if kind == "smtp" else {})
        self.tell_kind(item, kind)
        self.add_timing(check, item)
        return (self.draft.checks.add(f"{check['type']}-{re.sub('[^A-Za-z0-9]+', '-', item.get('description') or name)[:24].strip('-')}", check),)

    def tell_kind(self, item, kind):
        if kind == "udp_icmp":
            self.report.approximate(item.place, "udp_icmp: steerd sends pings")
        if kind not in ("http", "https"):
            item.pass_over("method", "path", "header", "expected_codes", "expected_body", "follow_redirects", "allow_insecure", "probe_zone")
            inner = item.get("header")
            if isinstance(inner, Object):
                inner.pass_all()
        if kind == "smtp":
            self.report.approximate(item.place, "smtp: steerd waits for 220 and says nothing")
        if kind in ("icmp_ping", "udp_icmp"):
            item.pass_over("port")

    # ---- HTTP ----

    def add_http(self, check, item, origin):
        check["path"] = item.text("path", "/") or "/"
        if not re.fullmatch("/[!-~]{0,1023}", check["path"]):
            raise Failure(f"{item.place}: found {shorten(check['path'])} as path, expected one that begins with /")
        method = item.text("method", "GET") or "GET"
        if method not in ("GET", "HEAD"):
            raise Failure(f"{item.place}: found {shorten(method)} as method, expected GET or HEAD")
        if method != "GET":
            check["method"] = method
        self.add_headers(check, item, origin)
        check["status"] = self.read_codes(item)
        body = item.text("expected_body")
        if body:
            if len(body) > BODY_MAX:
                self.report.leave_out(item.place, f"expected_body: more than {BODY_MAX} characters")
            else:
                check["expect_regex"] = "".join(self.any_case(char) for char in body)
        if item.boolean("follow_redirects"):
            self.report.leave_out(item.place, "follow_redirects: steerd judges the answer that comes; ask for the path that redirects lead to")
        if check["type"] == "https" and item.boolean("allow_insecure"):
            check["tls"] = {"verify": False}
        elif item.boolean("allow_insecure"):
            self.report.pass_over(item.place, "allow_insecure: there is no TLS")
        zone = item.text("probe_zone")
        if zone:
            self.report.leave_out(item.place, f"probe_zone {zone}: there are no settings of a zone that a check could be made with")

    @staticmethod
    def any_case(char):
        if char.isascii() and char.isalpha():
            return f"[{char.upper()}{char.lower()}]"
        return char if char.isalnum() or char == " " or not char.isascii() else f"\\{char}" if char.isprintable() else "."

    def add_headers(self, check, item, origin):
        headers, more = item.object("header"), {}
        for name in headers or ():
            values = headers.array(name, str)
            if name.lower() == "host":
                check["host"] = values[0] if values else None
            elif values:
                more[name] = ", ".join(values)
        own = origin.object("header")
        if own is not None and own.array("Host", str):
            check["host"] = own.array("Host", str)[0]
        if "host" in check and not re.fullmatch(r"[A-Za-z0-9_.:\[\]-]{1,255}", check["host"] or ""):
            raise Failure(f"{item.place}: found {shorten(check['host'])} as Host, expected a name")
        for name, value in more.items():
            if not re.fullmatch("[A-Za-z0-9-]+", name) or re.search(r"[\0-\x08\x0a-\x1f\x7f]", value):
                raise Failure(f"{headers.place}: found the header {shorten(name)}, expected a name and values without control characters")
        refused = [name for name in more if name.lower() in ("connection", "content-length", "transfer-encoding", "expect", "upgrade", "te",
                                                             "trailer", "proxy-connection")]
        for name in refused:
            self.report.leave_out(headers.place, f"header {name}: it is the check's own")
            del more[name]
        if more:
            check["headers"] = more

    @staticmethod
    def read_codes(item):
        """200, 2xx, 200,301"""
        text = item.text("expected_codes", "200") or "200"
        spans = []
        for part in text.replace(" ", "").split(","):
            found = re.fullmatch("([1-5])(?:xx|([0-9]{2})(?:-([1-5][0-9]{2}))?)", part.lower())
            if found is None:
                raise Failure(f"{item.place}: found {shorten(text)} as expected_codes, expected such as 200, 2xx or 200,301")
            low = f"{found[1]}{found[2] or '00'}"
            high = found[3] or (low if found[2] else f"{found[1]}99")
            spans.append(low if low == high else f"{low}-{high}")
        return int(spans[0]) if len(spans) == 1 and "-" not in spans[0] else ",".join(spans)

    # ---- when ----

    def add_timing(self, check, item):
        interval_s = max(item.integer("interval", 60, 0, 3600), 1)
        timeout_s = min(max(item.integer("timeout", 5, 0, 3600), 1), interval_s)
        retries, down, up = (item.integer(key, default, 0, 100) for key, default in
                             (("retries", 2), ("consecutive_down", 0), ("consecutive_up", 0)))
        check.update(interval=duration(interval_s), timeout=duration(timeout_s), rise=max(up, 1))
        if down > 1:
            check["fall"] = down
            if retries:
                self.report.approximate(item.place, f"retries: steerd counts failures in a row, {down} of them (consecutive_down)")
        else:
            check["fall"] = min(retries + 1, 100)
            if retries:
                check["recheck"] = duration(min(RECHECK_S, interval_s))

    def report_unused(self):
        for name, item in self.known.items():
            if name not in self.asked:
                self.report.pass_over(item.place, f"monitor {name}: no pool that is used has it")
                item.pass_all()
        if self.asked:
            self.report.approximate("monitors", "Cloudflare looks from several places and lets most of them decide; steerd looks itself, and from "
                                                "vantages by \"quorum\"")
