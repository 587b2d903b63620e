# SPDX-License-Identifier: BSD-3-Clause
"""A server that has one of everything, and a node of a cluster, for tests of what is exported, watched and logged."""
import contextlib
import pathlib
import re

import clusterkit
import kit
import nameserver
import tlskit
from receivers import SECRET
from vantage_client import invite, listen

GEO = pathlib.Path(__file__).resolve().parent.parent / "data" / "geo" / "country.mmdb"
US, EU = "us-east-1a", "eu-west-1a"


@contextlib.contextmanager
def one_of_everything(prepare=None):
    """A running server, in which a region is drained, with `at` (az -> address), `webs` and `site`. prepare(site): before it is started."""
    with contextlib.ExitStack() as stack:
        site = stack.enter_context(kit.new_site())
        pki = tlskit.Pki(site.folder / "certificates")
        pki.sign("soon", "root", days=(-1, 5.5))
        secure = tlskit.Listener(tlskit.talk(pki.context("soon"), tlskit.GOOD))
        stack.callback(secure.close)
        names = nameserver.Nameserver({"lb.example.net.": {"A": ["127.0.0.1"]}})
        stack.callback(names.close)
        at = configure(site, pki, secure.port, names)
        if prepare is not None:
            prepare(site)
        site.web(at[US]), site.web(at[EU]), site.web(site.late)
        server = site.start()
        server.at = at
        settle(server)
        yield server


def configure(site, pki, port, names):
    at, site.late = kit.make_regions(site, azs=(US, EU)), kit.new_address()
    topology = site.topology
    topology["regions"]["us-east"]["replicates_to"] = [{"to": "eu-west", "lag": "push", "rpo": "30s", "max_age": "10m"}]
    topology["regions"]["eu-west"]["replicates_to"] = [{"to": "us-east", "lag": "push", "rpo": "1h", "max_age": "10m"}]
    topology["rules"] = {"fresh": {"type": "lag", "stage": "any"}}
    topology["name_groups"] = {"shop": ["www.example.com"]}
    topology["brake"] = {"hold": "1m"}
    topology["checks"]["tls"] = {"type": "https", "port": port, "host": tlskit.HOST, "interval": "500ms", "tls": {"ca": str(pki.root_pem)}}
    topology["endpoints"]["secure"] = {"az": EU, "addresses": ["127.0.0.1"], "checks": ["tls"]}
    topology["endpoints"]["both"] = {"az": EU, "addresses": ["127.0.0.1", "::1"], "checks": ["tls"]}
    topology["endpoints"]["named"] = {"az": EU, "host": "lb.example.net.", "checks": ["tls"]}
    topology["endpoints"]["late"] = {"az": EU, "addresses": [site.late], "checks": ["web"], "ramp": {"steps": [1, 100], "each": "1h"}}
    topology["endpoints"]["web-" + EU]["load"] = {"low": 0.5, "high": 0.9, "max_age": "10m"}
    site.zone("example.com", "").policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    (site.folder / "secret").write_text(SECRET + "\n")
    (site.folder / "secret").chmod(0o600)
    document = {"name": "d", "mode": "simulate", "duration": "1m", "events": [{"at": "0s", "what": "region:us-east", "how": "lost"}]}
    site.server.update({
        "webhooks": [{"name": "ops", "url": "http://127.0.0.1:9/", "secret_file": "secret"}],
        "hooks": [{"name": "page", "command": ["/bin/true"], "on": ["override"]}],
        "drills": {"schedule": [{"name": "d", "cron": "0 0 1 1 *", "document": document}]},
        "documents": {"owner": "api"}, "geo": [str(GEO)], "resolver": {"servers": [names.at]}, "start_wait": "0s",
        "withdraw": {"after": "10s", "back_after": "1s", "how": "hook", "command": ["/bin/true"]},
        "dnstap": {"file": "taps"}, "query_log": {"file": "queries"}})
    site.vantages_at = listen(site, quorum="majority", at_least=1)
    return at


def settle(server):
    server.vantages_at = server.site.vantages_at
    invite(server, "fra-1")
    server.wait_state("region", "us-east", observed="healthy")
    late = server.site.webs[-1]
    for mode, observed in ("ok", "healthy"), ("close", "unhealthy"), ("ok", "healthy"):
        late.behave(mode)
        server.wait_state("endpoint", "late", observed=observed)
    assert server.request("POST", "/v1/points", {"name": "now", "reason": "a test"}).status == 201
    server.override("endpoint", "late", "drain", starts_in="10h", expires_in="1h")
    server.wait(lambda: "steerd_ramp_ratio{" in read_metrics(server), "what came back ramps")
    for report in ({"from": "us-east", "to": "eu-west", "lag": 1}, {"from": "eu-west", "to": "us-east", "lag": 10, "unit": "bytes"},
                   {"region": "us-east", "errors": 1, "requests": 100}):
        assert server.request("POST", "/v1/report", report).status == 200, report
    assert server.request("PUT", f"/v1/endpoints/web-{EU}/load", {"value": 0.3}).status == 200
    server.ask("www.example.com")
    server.override("region", "us-east", "drain", names=["shop"])
    server.wait(lambda: 'names="shop"' in read_metrics(server), "the drain of some names is told")
    for kind, name in ("endpoint", "web-" + US), ("az", US), ("region", "us-east"):
        server.override(kind, name, "drain")
    server.wait_answers("www.example.com", [server.at[EU]])
    last = {"steerd_drain_share", "steerd_certificate_end_time_seconds", "steerd_drill_missed_total", "steerd_errors_share"}
    server.wait(lambda: last <= set(read_series(server)), f"{last} are there")


@contextlib.contextmanager
def node_of_a_cluster(prepare=None):
    with contextlib.ExitStack() as stack:
        cluster = clusterkit.Cluster(stack, 1, has_links=True)
        if prepare is not None:
            prepare(cluster.sites["ns1"])
        cluster.start()
        cluster.report_all()
        yield cluster.nodes["ns1"]


def read_metrics(server):
    return server.request("GET", "/metrics").body.decode()


def read_series(server):
    """metric -> [labels]"""
    series = {}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", read_metrics(server), re.M):
        series.setdefault(name, []).append(dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")))
    return series


def give_back(server):
    """Overrides of us-east end, and so that it comes back the copy that is told in bytes is told in seconds."""
    assert server.request("POST", "/v1/report", {"from": "eu-west", "to": "us-east", "lag": 1}).status == 200
    for kind, name in ("endpoint", "web-us-east-1a"), ("az", "us-east-1a"), ("region", "us-east"):
        server.override(kind, name, "auto")
    server.wait_state("region", "us-east", effective="healthy")
