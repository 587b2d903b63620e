# SPDX-License-Identifier: BSD-3-Clause
"""service_types -> checks. A service is a name; what watches it is a check document, nothing (always up), or the
certainty that it is down."""
import dataclasses
import os
import re

from . import vscf

FALL_RISE_MAX = 100
WORDS_MAX = 64
STATUS_LEAST, STATUS_MOST = 100, 999
ITEM = "%%ITEM%%"
COMMON = ("plugin", "up_thresh", "ok_thresh", "down_thresh", "interval", "timeout")
KEYS = {"static": ("state", "ttl"), "null": (), "http_status": ("port", "url_path", "vhost", "ok_codes"), "tcp_connect": ("port",),
        "extfile": ("file", "direct", "def_down", "def_ttl"), "extmon": ("cmd", "direct", "max_proc")}
STANDS_FOR = re.compile("%[A-Z_]{2,}%")  # something, in a command of steerd


@dataclasses.dataclass
class Service:
    check: dict = None      # None: nothing watches it
    is_down: bool = False
    up_ttl_s: int = None    # how long gdnsd knows that an UP stays; None: for ever


class Services:
    def __init__(self, node, state_dir, report):
        self.state_dir, self.report = state_dir, report
        self.known = {"up": Service(), "down": Service(is_down=True)}
        self.nodes = node
        for name, body in node.items():
            vscf.as_hash(body, f"service type {name}")

    def get(self, name, place):
        """Converted when first asked for: what no resource uses is not reported."""
        if name not in self.known:
            if name not in self.nodes:
                raise vscf.Failure(f"{place}: found service type '{name}', which service_types does not define")
            self.known[name] = self.convert(name, self.nodes[name])
        return self.known[name]

    def report_unused(self):
        for name in self.nodes:
            if name not in self.known:
                self.report.pass_over(self.nodes.place_of(name), f"service type {name}: nothing that a zone names uses it")

    def is_down(self, names):
        return any(self.known[name].is_down for name in names)

    def checks(self, names):
        return tuple(name for name in names if self.known[name].check is not None)

    def use(self, name, target):
        """The check for an endpoint."""
        kind = self.known[name].check["type"]
        if target.host is not None and kind in ("file", "exec"):
            self.report.approximate(self.nodes.place_of(name), f"service type {name}: a host name that cannot be looked up fails "
                                                               "in steerd, whatever this says of it")
        is_named = target.host is not None and kind == "file"
        return {"check": name, "key": target.host + "."} if is_named else name

    def documents(self):
        return {name: service.check for name, service in self.known.items() if service.check is not None}

    def convert(self, name, node):
        plugin = str(vscf.as_text(node.get("plugin", vscf.Text("", node.place)), "plugin"))
        place = self.nodes.place_of(name)
        for key in node:
            if plugin in KEYS and key not in COMMON + KEYS[plugin]:
                self.report.leave_out(node.place_of(key), f"service type {name}: {key}, which {plugin} does not have")
        if plugin == "static":
            return Service(is_down=str(node.get("state", "UP")).upper().startswith("DOWN"),
                           up_ttl_s=number_of(node, "ttl", None))
        if plugin == "null":
            return Service(is_down=True)
        if plugin == "http_status":
            check = {"type": "http", **self.convert_http(name, node)}
        elif plugin == "tcp_connect":
            check = {"type": "tcp", "port": vscf.as_integer(node.get("port") or missing(node, "port"), "port")}
        elif plugin == "extfile":
            check = self.convert_extfile(name, node)
        elif plugin == "extmon":
            check = self.convert_extmon(name, node)
            if check is None:
                return Service(up_ttl_s=self.read_up_ttl(node))
        else:
            self.report.leave_out(place, f"service type {name}: unknown plugin '{plugin}'")
            return Service()
        return self.convert_timing(name, node, check)

    def convert_http(self, name, node):
        check = {"port": vscf.as_integer(node["port"], "port") if "port" in node else 80}
        if "url_path" in node and node["url_path"] != "/":
            check["path"] = str(node["url_path"])
        if "vhost" in node:
            check["host"] = str(node["vhost"])
        codes = sorted({vscf.as_integer(code, "ok_codes") for code in vscf.as_list(node.get("ok_codes") or
                                                                                   vscf.Text("200", node.place))})
        known = [code for code in codes if STATUS_LEAST <= code <= STATUS_MOST]
        if known != codes:
            strange = ", ".join(str(code) for code in codes if code not in known)
            self.report.leave_out(node.place_of("ok_codes"), f"service type {name}: ok_codes: {strange}, which are no HTTP "
                                                             f"status ({STATUS_LEAST} to {STATUS_MOST})")
        check["status"] = known[0] if len(known) == 1 else write_spans(known or [200])
        return check

    def convert_extfile(self, name, node):
        """Names in the file are addresses, or host names as they stand in the configuration: build.py gives those a key."""
        path = str(vscf.as_text(node.get("file") or missing(node, "file"), "file"))
        if is_direct(node):
            self.report.approximate(self.nodes.place_of(name), f"service type {name}: TTLs in the file are not used")
        is_down = "def_down" in node and vscf.as_boolean(node["def_down"], "def_down")
        return {"type": "file", "file": os.path.join(self.state_dir, "extfile", path), "format": "gdnsd", "key": "address",
                "absent": "down" if is_down else "up"}

    def convert_extmon(self, name, node):
        """None: steerd has nothing like it. %HOST% is the address of what has no host name."""
        place = self.nodes.place_of(name)
        words = [str(vscf.as_text(word, "cmd")) for word in vscf.as_list(node.get("cmd") or missing(node, "cmd"))]
        strange = next((word for word in words if STANDS_FOR.search(word.replace(ITEM, ""))), None)
        why = (f"'{words[0]}' is no absolute path" if not words[0].startswith("/") else
               f"more than {WORDS_MAX} arguments" if len(words) > WORDS_MAX else
               f"steerd takes what stands between percent signs in '{strange}' for something else" if strange is not None else
               None)
        if why is not None:
            self.report.leave_out(place, f"service type {name}: extmon: {why}; what only this watches is served as if it were up")
            return None
        self.report.approximate(place, f"service type {name}: extmon: a command that cannot be run, or that a signal kills, says "
                                       "nothing in steerd, and is a failure in gdnsd; it runs in /, with nothing but PATH in "
                                       "its environment")
        if number_of(node, "max_proc", 0):
            self.report.approximate(node.place_of("max_proc"), f"service type {name}: extmon: max_proc: steerd has one limit "
                                                               "for the commands of all checks, \"probe\" in steerd.json")
        return {"type": "exec", "command": [word.replace(ITEM, "%HOST%") for word in words], "warning": "down",
                "unknown": "down"}

    @staticmethod
    def read_up_ttl(node):
        if is_direct(node):
            return vscf.as_integer(node["def_ttl"], "def_ttl") if "def_ttl" in node else None
        return number_of(node, "interval", 10) * number_of(node, "down_thresh", 10)

    def convert_timing(self, name, node, check):
        interval, timeout = number_of(node, "interval", 10), number_of(node, "timeout", 0)
        fall, rise = (1, 1) if is_direct(node) else (number_of(node, "down_thresh", 10), number_of(node, "up_thresh", 20))
        check["interval"] = f"{interval}s"
        if check["type"] != "file":
            check["timeout"] = f"{timeout or interval // 2}s" if timeout or interval % 2 == 0 else f"{interval * 500}ms"
        for key, mine, value in (("down_thresh", "fall", fall), ("up_thresh", "rise", rise)):
            check[mine] = min(value, FALL_RISE_MAX)
            if value > FALL_RISE_MAX:
                self.report.approximate(node.place_of(key), f"service type {name}: gdnsd's {key} is {value}, "
                                                            f"steerd's {mine} at most {FALL_RISE_MAX}")
        if fall > 1 and number_of(node, "ok_thresh", 10) > 1:
            self.report.approximate(self.nodes.place_of(name),
                                    f"service type {name}: in gdnsd {fall} failures make it DOWN if fewer than ok_thresh "
                                    f"successes in a row lie between them, in steerd {fall} failures in a row")
        return Service(check=check, up_ttl_s=self.read_up_ttl(node))


def write_spans(codes):
    """200,204,301-308: what is in a row as a span. Two are told one by one: [a, b] would be all that is between them."""
    spans = []
    for code in codes:
        if spans and spans[-1][1] == code - 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return ",".join(str(low) if low == high else f"{low},{high}" if low == high - 1 else f"{low}-{high}" for low, high in spans)


def is_direct(node):
    """Of extmon and extfile: each result is a verdict."""
    return "direct" in node and vscf.as_boolean(node["direct"], "direct")


def number_of(node, key, default):
    return vscf.as_integer(node[key], key) if key in node else default


def missing(node, key):
    raise vscf.Failure(f"{node.place}: found no {key}, which is required")
