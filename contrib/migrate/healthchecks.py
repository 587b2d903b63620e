# SPDX-License-Identifier: BSD-3-Clause
"""Health checks of Route 53 -> checks. Facts: Amazon Route 53, API reference (HealthCheckConfig) and developer guide (how Route
53 determines whether a health check is healthy)."""
import re

from . import jsonfile
from .draft import duration
from .report import Failure

NOISE = ("CallerReference", "HealthCheckVersion", "LinkedService", "CloudWatchAlarmConfiguration")


class HealthChecks:
    """HealthChecks by Id -> names of checks, and how many of them are enough."""

    def __init__(self, draft):
        self.draft, self.report = draft, draft.report
        self.known, self.asked = {}, set()

    def read(self, items):
        for item in items:
            name = item.need("Id", item.text("Id"))
            if name in self.known:
                raise Failure(f"{item.place}: found the health check {name} again")
            self.known[name] = item
            for key in NOISE:
                item.pass_over(key)
                if isinstance(item.get(key), jsonfile.Object):
                    item[key].pass_all()
        if items:
            self.report.pass_over(items[0].place.rpartition(":")[0], f"{', '.join(NOISE)}: they say nothing of what is checked")

    def use(self, name, record, addresses):
        """(checks, how many are enough: 0 for all)"""
        if name not in self.known:
            self.report.leave_out(record.place, f"HealthCheckId {name}: not in these files (aws route53 list-health-checks): nothing "
                                                "watches it")
            return (), 0
        self.asked.add(name)
        item = self.known[name]
        config = item.need("HealthCheckConfig", item.object("HealthCheckConfig"))
        kind = config.need("Type", config.text("Type"))
        self.settle_flags(name, config)
        if config.boolean("Disabled"):
            self.report.pass_over(config.place, f"{name}: Disabled: AWS takes it for healthy; nothing watches what has it")
            config.pass_all()
            return (), 0
        if config.boolean("Inverted"):
            self.report.leave_out(config.place, f"{name}: Inverted: steerd has none like it: nothing watches what has it")
            config.pass_all()
            return (), 0
        if kind == "CALCULATED":
            return self.calculate(name, config, record, addresses)
        document = self.push(name, kind, config) if kind in ("CLOUDWATCH_METRIC", "RECOVERY_CONTROL") else \
            self.ask(name, kind, config, record, addresses)
        wanted = f"{document['type']}-{name.replace('/', '-')[:16]}"
        return (self.draft.checks.add(wanted, document),), 0

    def settle_flags(self, name, config):
        for key, why in (("MeasureLatency", "steerd measures all"), ("Regions", "steerd looks from here, and from its vantages")):
            if config.get(key):
                self.report.pass_over(config.place, f"{name}: {key}: {why}")
            config.pass_over(key)

    def calculate(self, name, config, record, addresses):
        children = config.array("ChildHealthChecks", str)
        threshold = config.integer("HealthThreshold", len(children), 0, 256)
        if threshold == 0:
            self.report.pass_over(config.place, f"{name}: HealthThreshold 0: it is always healthy")
            return (), 0
        if threshold > len(children):
            self.report.leave_out(config.place, f"{name}: HealthThreshold {threshold} of {len(children)}: it is never healthy; drain what has "
                                                "it")
            return (), 0
        made = []
        for child in children:
            if child in self.known and self.known[child].get("HealthCheckConfig", {}).get("Type") == "CALCULATED":
                self.report.leave_out(config.place, f"{name}: {child}: a calculated health check within another")
                continue
            made += self.use(child, record, addresses)[0]
        checks = tuple(dict.fromkeys(made))
        return checks, threshold if threshold < len(checks) else 0

    def push(self, name, kind, config):
        status, alarm = config.text("InsufficientDataHealthStatus", "Healthy"), config.object("AlarmIdentifier")
        if status not in ("Healthy", "Unhealthy", "LastKnownStatus"):
            raise Failure(f"{config.place}: found {jsonfile.shorten(status)} as InsufficientDataHealthStatus, expected Healthy, Unhealthy or "
                          "LastKnownStatus")
        who = "" if alarm is None else f" {alarm.text('Name')} in {alarm.text('Region')}"
        arn = config.text("RoutingControlArn")
        who += f" {arn}" if arn else ""
        absent = "down" if status == "Unhealthy" else "unknown"
        self.report.approximate(config.place, f"{name}: {kind}{who}: steerd cannot ask AWS: it becomes a check of type push; have that report to "
                                              f"POST /v1/report. Until then what has it is served, in AWS {status}")
        return {"type": "push", "ttl": "2m", "absent": absent}

    def ask(self, name, kind, config, record, addresses):
        if kind not in ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"):
            raise Failure(f"{config.place}: found {jsonfile.shorten(kind)} as Type, expected that of a health check")
        scheme, is_http = kind.partition("_")[0].lower(), kind != "TCP"
        interval_s = config.integer("RequestInterval", 30, 1, 3600)
        threshold = config.integer("FailureThreshold", 3, 1, 100)
        port = config.integer("Port", {"http": 80, "https": 443}.get(scheme), 1, 65535)
        if port is None:
            raise Failure(f"{config.place}: found no Port, which a health check of type TCP needs")
        check = {"type": scheme, "port": port}
        if is_http:
            self.add_http(check, kind, config)
        else:
            config.pass_over("ResourcePath", "FullyQualifiedDomainName", "SearchString", "EnableSNI")
        self.compare_address(name, config, record, addresses)
        check.update(interval=duration(interval_s), timeout=duration(min(4 if is_http else 10, interval_s)), fall=threshold, rise=threshold)
        return check

    def add_http(self, check, kind, config):
        path, host = config.text("ResourcePath", "/") or "/", config.text("FullyQualifiedDomainName")
        check["path"] = path if path.startswith("/") else "/" + path
        if not re.fullmatch("/[!-~]{0,1023}", check["path"]):
            raise Failure(f"{config.place}: found {jsonfile.shorten(path)} as ResourcePath, expected a path")
        if host:
            if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,255}", host):
                raise Failure(f"{config.place}: found {jsonfile.shorten(host)} as FullyQualifiedDomainName, expected a name")
            check["host"] = host
        check["status"] = [200, 399]
        search = config.text("SearchString")
        if kind.endswith("STR_MATCH") and search:
            check.update(expect=search.replace("\\", "\\\\"), max_body=5120)
        if check["type"] == "https":
            check["tls"] = {"verify": False}
            if not config.boolean("EnableSNI", True):
                self.report.approximate(config.place, "EnableSNI is false: steerd tells the name of the check in TLS")
        config.pass_over("EnableSNI")

    def compare_address(self, name, config, record, addresses):
        """In AWS a health check asks its own address, whatever the record has."""
        address, host = config.text("IPAddress"), config.text("FullyQualifiedDomainName")
        asked = address or host
        if address is None and host is not None and host.rstrip(".").lower() in [value.rstrip(".").lower() for value in addresses]:
            return
        if asked is not None and asked not in addresses:
            self.report.approximate(record.place, f"health check {name} asks {asked}; steerd asks what the record has: "
                                                  f"{', '.join(addresses[:4])}")

    def report_unused(self):
        for name, item in self.known.items():
            if name not in self.asked:
                self.report.pass_over(item.place, f"health check {name}: no record has it")
                item.pass_all()
