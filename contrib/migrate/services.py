# SPDX-License-Identifier: BSD-3-Clause
"""service_types -> checks. A service is a name; what watches it is a check document, nothing (always up), or the
certainty that it is down."""
import dataclasses

from . import vscf

FALL_RISE_MAX = 100


@dataclasses.dataclass
class Service:
    check: dict = None      # None: nothing watches it
    is_down: bool = False
    up_ttl_s: int = None    # how long gdnsd knows that an UP stays; None: for ever


class Services:
    def __init__(self, node, report):
        self.report = report
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

    def is_down(self, names):
        return any(self.known[name].is_down for name in names)

    def checks(self, names):
        return tuple(name for name in names if self.known[name].check is not None)

    def documents(self):
        return {name: service.check for name, service in self.known.items() if service.check is not None}

    def convert(self, name, node):
        plugin = str(vscf.as_text(node.get("plugin", vscf.Text("", node.place)), "plugin"))
        place = self.nodes.place_of(name)
        if plugin == "static":
            return Service(is_down=str(node.get("state", "UP")).upper().startswith("DOWN"))
        if plugin == "null":
            return Service(is_down=True)
        if plugin == "http_status":
            check = {"type": "http", **self.convert_http(name, node)}
        elif plugin == "tcp_connect":
            check = {"type": "tcp", "port": vscf.as_integer(node.get("port") or missing(node, "port"), "port")}
        elif plugin in ("extmon", "extfile"):
            self.report.leave_out(place, f"service type {name}: {plugin} is not converted, a check of type "
                                         f"{'exec' if plugin == 'extmon' else 'file'} does the same; until it has one, what only "
                                         "this watches is served as if it were up")
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
        is_range = codes[-1] - codes[0] == len(codes) - 1
        check["status"] = codes[0] if len(codes) == 1 else [codes[0], codes[-1]] if is_range else ",".join(map(str, codes))
        return check

    @staticmethod
    def read_up_ttl(node):
        if "direct" in node and vscf.as_boolean(node["direct"], "direct"):
            return vscf.as_integer(node["def_ttl"], "def_ttl") if "def_ttl" in node else None
        return number_of(node, "interval", 10) * number_of(node, "down_thresh", 10)

    def convert_timing(self, name, node, check):
        interval, timeout = number_of(node, "interval", 10), number_of(node, "timeout", 0)
        fall, rise = number_of(node, "down_thresh", 10), number_of(node, "up_thresh", 20)
        check["interval"] = f"{interval}s"
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


def number_of(node, key, default):
    return vscf.as_integer(node[key], key) if key in node else default


def missing(node, key):
    raise vscf.Failure(f"{node.place}: found no {key}, which is required")
