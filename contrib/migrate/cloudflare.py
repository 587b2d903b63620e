# SPDX-License-Identifier: BSD-3-Clause
"""Answers of Cloudflare's API (load balancers, pools, monitors, DNS records, regions) -> plans. Facts: Cloudflare API schemas and
Load Balancing documentation (steering policies, pools, DNS-only load balancing).

A pool becomes an az, with coordinates if it has them, of the region of Cloudflare that prefers it; the order of pools becomes
tiers. steerd answers as a DNS-only load balancer does; what only Cloudflare's proxy can do is told."""
import dataclasses
import ipaddress
import os
import re

from . import jsonfile
from .draft import ZoneText, duration, read_address
from .jsonfile import Object
from .model import STICKY, WEIGHTED, Nearest, Plan, Target, Tier
from .monitors import STAMPS, Monitors
from .places import CLOUDFLARE
from .report import Failure

POLICIES = ("off", "geo", "random", "dynamic_latency", "proximity", "least_outstanding_requests", "least_connections")
RESULT_KEYS = ("success", "errors", "messages", "result_info")
RECORD_NOISE = ("id", "zone_id", "zone_name", "proxiable", "locked", "meta", "tags", "comment", "settings", "created_on", "modified_on",
                "comment_modified_on", "tags_modified_on", "data", "private_routing")
POOL_NOISE = STAMPS + ("notification_email", "notification_filter", "disabled_at", "healthy", "networks")
BALANCER_NOISE = STAMPS + ("zone_id", "networks")
AUTOMATIC_TTL_S, PROXIED_TTL_S, LOAD_BALANCER_TTL_S = 300, 300, 30
WEIGHT_SCALE, NEAREST_MAX, HOLD_MAX_S = 100, 8, 86400
EVERYWHERE = "everywhere"


class Unconverted(Exception):
    """Why a load balancer is left out."""


class Pools:
    def __init__(self, draft, monitors):
        self.draft, self.report, self.monitors = draft, draft.report, monitors
        self.known, self.asked, self.regions = {}, set(), {}

    def add(self, item):
        name = item.need("id", item.text("id"))
        if name in self.known:
            raise Failure(f"{item.place}: found the pool {name} again")
        item.pass_over(*POOL_NOISE)
        for key in POOL_NOISE:
            if isinstance(item.get(key), Object):
                item[key].pass_all()
        self.known[name] = item
        item.need("name", item.text("name"))

    def prefer(self, region, names):
        """A load balancer sends a region of Cloudflare to these."""
        for name in names[:1]:
            self.regions.setdefault(name, region)

    def region(self, item):
        checked = [text for text in item.array("check_regions", str) if text.startswith("ALL_") is False]
        return self.regions.get(item["id"]) or (checked[0] if len(checked) == 1 else EVERYWHERE)

    def tier(self, name, owner, place):
        """What a pool answers; None: nothing."""
        if name not in self.known:
            self.report.leave_out(place, f"{owner}: pool {name}: not in these files")
            return None
        item = self.known[name]
        first = name not in self.asked
        self.asked.add(name)
        if not item.boolean("enabled", True):
            self.pass_disabled(item)
            return None
        path = (("region", self.region(item)), ("pool", item.text("name")))
        targets = tuple(self.target(item, origin, path) for origin in item.array("origins", Object) if self.is_enabled(item, origin))
        if not targets:
            self.report.leave_out(item.place, f"pool {item['name']}: no origin is enabled")
            return None
        if first:
            self.settle(item)
        self.locate(item, path)
        enough = item.integer("minimum_origins", 1, 0, 65535)
        return Tier(targets, item.place, item["name"], self.pick(item), enough=max(enough, 1), path=path)

    def pass_disabled(self, item):
        self.report.pass_over(item.place, f"pool {item['name']}: not enabled")
        item.pass_all()

    def is_enabled(self, item, origin):
        if origin.boolean("enabled", True):
            return True
        self.report.pass_over(origin.place, f"pool {item['name']}: origin {origin.get('name')}: not enabled")
        origin.pass_all()
        return False

    def target(self, item, origin, path):
        origin.pass_over("disabled_at")
        label = origin.need("name", origin.text("name"))
        address, host = origin.need("address", origin.text("address")), None
        try:
            addresses = (str(ipaddress.ip_address(address)),)
        except ValueError:
            addresses, host = (), address.rstrip(".")
            if not re.fullmatch(r"(?!\*)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", host) or re.fullmatch("[0-9.]+", host):
                raise Failure(f"{origin.place}: found {jsonfile.shorten(address)} as address, expected one, or a host name") from None
        checks = self.monitors.use(item.text("monitor"), item, origin)
        weight = origin.number("weight", 1, 0, 1)
        if weight == 0:
            self.report.approximate(origin.place, f"pool {item['name']}: origin {label}: weight 0: steerd answers it where no other one of its "
                                                  "tier is up, Cloudflare never")
        if origin.integer("port", 0, 0, 65535):
            self.report.leave_out(origin.place, f"pool {item['name']}: origin {label}: port: addresses in DNS have none")
        return Target(label, addresses, checks, max(round(weight * WEIGHT_SCALE), 1) if weight else 0, host, path=path)

    def settle(self, item):
        """What is told once of a pool."""
        shedding = item.object("load_shedding")
        if shedding is not None and not any(shedding.get(key) for key in ("default_percent", "session_percent")):
            shedding.pass_all()
        elif shedding is not None:
            self.report.leave_out(item.place, f"pool {item['name']}: load_shedding: say it again: steerctl drain az:{item['name']} --share "
                                              f"{round(shedding.number('default_percent', 0, 0, 100))} --reason shedding")
            shedding.pass_all()
        if len(item.array("check_regions", str)) > 1:
            self.report.pass_over(item.place, f"pool {item['name']}: check_regions: steerd looks from here, and from its vantages")
        if any(origin.boolean("flatten_cname", True) is False for origin in item.array("origins", Object)):
            self.report.approximate(item.place, f"pool {item['name']}: flatten_cname false: names where no origin is flattened answer by CNAMEs")

    def pick(self, item):
        steering = item.object("origin_steering")
        policy = (steering.text("policy") if steering is not None else None) or "random"
        if policy == "hash":
            self.report.approximate(item.place, f"pool {item['name']}: origin_steering hash: by the client's prefix (\"sticky\")")
            return STICKY
        if policy != "random":
            self.report.approximate(item.place, f"pool {item['name']}: origin_steering {policy}: at random, by weight; an endpoint's \"load\" is "
                                                "what steerd can follow")
        return WEIGHTED

    def locate(self, item, path):
        latitude, longitude = item.number("latitude", None, -90, 90), item.number("longitude", None, -180, 180)
        if latitude is not None and longitude is not None:
            self.draft.locations[(path[0][1], path[1][1])] = [latitude, longitude]

    def has_place(self, tiers):
        return all((tier.path[0][1], tier.path[1][1]) in self.draft.locations for tier in tiers)

    def flattens(self, names):
        """Whether host names are answered by addresses: as Cloudflare does if nothing says otherwise."""
        origins = [origin for name in names if name in self.known for origin in self.known[name].array("origins", Object)]
        return not origins or any(origin.boolean("flatten_cname", True) for origin in origins)

    def report_unused(self):
        for name, item in self.known.items():
            if name not in self.asked:
                self.report.pass_over(item.place, f"pool {item['name']}: no load balancer uses it")
                item.pass_all()


class Importer:
    def __init__(self, draft, databases):
        self.draft, self.report = draft, draft.report
        draft.databases = [os.path.abspath(path) for path in databases]
        self.monitors = Monitors(draft)
        self.pools = Pools(draft, self.monitors)
        self.documents, self.balancers, self.records = [], [], []
        self.regions, self.origins = None, {}  # region -> codes; origin in small letters -> place

    # ---- files ----

    def read(self, argument):
        """FILE, or ZONE=FILE where the file does not say its zone."""
        zone, _, path = argument.partition("=") if "=" in argument and not os.path.exists(argument) else ("", "", argument)
        document = jsonfile.read(path)
        self.documents.append(document)
        if document.get("success") is False:
            raise Failure(f"{path}: found success: false: the API said no, and nothing else")
        self.require_whole(document, path)
        document.pass_over(*RESULT_KEYS)
        result = document.get("result")
        document.seen.add("result")
        if isinstance(result, Object) and "regions" in result:
            self.read_regions(result)
            return
        items = [result] if isinstance(result, Object) else result
        if not isinstance(items, list) or not all(isinstance(item, Object) for item in items):
            raise Failure(f"{path}:1: found no result with objects, expected an answer of Cloudflare's API")
        for item in items:
            self.sort(item, zone)

    @staticmethod
    def require_whole(document, path):
        info = document.object("result_info")
        if info is not None:
            pages = info.integer("total_pages", 1)
            if pages > 1:
                raise Failure(f"{path}: found page {info.get('page')} of {pages}: the export is not complete; ask with a larger per_page, and "
                              "put all results into one file")
            info.pass_all()

    def sort(self, item, zone):
        zone = zone or item.text("zone_name") or ""
        if "default_pools" in item or "fallback_pool" in item:
            self.balancers.append((item, zone))
        elif "origins" in item:
            self.pools.add(item)
        elif "content" in item:
            self.records.append((item, zone))
        elif "type" in item:
            self.monitors.add(item)
        else:
            raise Failure(f"{item.place}: found an object with {', '.join(list(item)[:5])}, expected a load balancer, a pool, a monitor or a DNS "
                          "record")
        if zone:
            self.origins.setdefault(zone.rstrip(".").lower() + ".", item.place)

    def read_regions(self, result):
        result.pass_over("iso_standard")
        self.regions = {}
        for region in result.array("regions", Object):
            code = region.need("region_code", region.text("region_code"))
            codes = self.regions.setdefault(code, [])
            for country in region.array("countries", Object):
                country.pass_over("country_name")
                name = country.need("country_code_a2", country.text("country_code_a2"))
                parts = country.array("country_subdivisions", Object)
                for part in parts:
                    part.pass_over("subdivision_name")
                    codes.append(f"{name}-{part.need('subdivision_code_a2', part.text('subdivision_code_a2'))}")
                codes += [] if parts else [name]

    # ---- all of it ----

    def convert(self):
        for origin in self.origins:
            if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.", origin):
                raise Failure(f"{self.origins[origin]}: found the zone {jsonfile.shorten(origin)}, expected a name")
            self.draft.zones[origin] = ZoneText(origin, "$ORIGIN .\n")
        balanced = {self.read_name(item, zone)[1] for item, zone in self.balancers if item.boolean("enabled", True)}
        for item, zone in self.records:
            self.convert_record(item, zone, balanced)
        for item, _ in self.balancers:
            for region, names in (item.object("region_pools") or {}).items():
                self.pools.prefer(region, item["region_pools"].array(region, str) if isinstance(names, list) else [])
        for item, zone in self.balancers:
            self.convert_balancer(item, zone)
        for origin, zone in self.draft.zones.items():
            zone.complete(self.origins[origin], self.report)
        self.pools.report_unused()
        self.monitors.report_unused()
        noise = dict.fromkeys(POOL_NOISE + BALANCER_NOISE + RECORD_NOISE + RESULT_KEYS)
        self.report.pass_over("answers of the API", f"{', '.join(noise)}: no answer depends on them; steerd tells of events by webhooks")
        for document in self.documents:
            jsonfile.name_rest(document, self.report)

    def read_name(self, item, zone):
        """(origin, owner) of a record or a load balancer."""
        name = item.need("name", item.text("name")).rstrip(".").lower() + "."
        if not re.fullmatch(r"(\*\.)?([A-Za-z0-9_/-]+\.)+", name):
            raise Failure(f"{item.place}: found the name {jsonfile.shorten(name)}, expected that of a record")
        fits = [origin for origin in self.origins if name == origin or name.endswith("." + origin)]
        origin = zone.rstrip(".").lower() + "." if zone else max(fits, key=len, default=None)
        if origin is None or origin not in fits:
            raise Failure(f"{item.place}: found {name} in no zone: the files do not say which; write ZONE=FILE")
        return origin, name

    # ---- records ----

    def convert_record(self, item, zone, balanced):
        origin, owner = self.read_name(item, zone)
        item.pass_over(*RECORD_NOISE)
        for key in RECORD_NOISE:
            if isinstance(item.get(key), Object):
                item[key].pass_all()
        rtype = item.need("type", item.text("type")).upper()
        ttl, content = item.integer("ttl", 1), item.need("content", item.text("content"))
        if not re.fullmatch("[A-Z][A-Z0-9]{0,15}", rtype) or not content.strip() or re.search(r"[\r\n\0]", content):
            raise Failure(f"{item.place}: found {jsonfile.shorten(content)} of type {jsonfile.shorten(rtype)}, expected a record")
        if rtype in ("A", "AAAA", "CNAME") and owner in balanced:
            self.report.pass_over(item.place, f"{owner} {rtype}: the load balancer of that name is answered")
            item.pass_all()
            return
        if item.boolean("proxied"):
            self.report.approximate(item.place, f"{owner} {rtype}: proxied: Cloudflare answers with addresses of its own and proxies; steerd answers "
                                                f"{content[:60]}")
        ttl = AUTOMATIC_TTL_S if ttl <= 1 else ttl
        if rtype == "CNAME" and owner == origin:
            self.flatten(item, origin, owner, (content.rstrip("."), ttl))
            return
        self.draft.zones[origin].add(owner, ttl, rtype, self.write_content(item, rtype, content))

    def flatten(self, item, origin, owner, what):
        """A CNAME at the apex."""
        host, ttl = what
        self.report.approximate(item.place, f"{owner} CNAME at the apex: steerd looks {host} up by \"resolver\" in steerd.json and answers its "
                                            "addresses, as Cloudflare does")
        path = (("region", EVERYWHERE), ("az", host))
        tier = Tier((Target(host, (), (), host=host, path=path),), item.place, owner.rstrip("."), path=path)
        self.draft.add_name(origin, owner, Plan([tier], host_answer="addresses", fallback="first"), item.place, ttl)

    @staticmethod
    def write_content(item, rtype, content):
        priority = item.integer("priority", None, 0, 65535)
        if rtype in ("A", "AAAA"):
            address = read_address(rtype, content)
            if address is None:
                raise Failure(f"{item.place}: found {jsonfile.shorten(content)} as content, expected an address for {rtype}")
            return address
        if rtype in ("TXT", "SPF") and not content.startswith('"'):
            text = content.replace("\\", "\\\\").replace('"', '\\"')
            return " ".join(f'"{text[at:at + 200]}"' for at in range(0, len(text), 200)) if len(text) > 250 else f'"{text}"'
        if rtype == "MX" or (rtype in ("SRV", "URI") and len(content.split()) == (3 if rtype == "SRV" else 2)):
            if priority is None:
                raise Failure(f"{item.place}: found no priority, which a record of type {rtype} needs")
            return f"{priority} {content}"
        return content

    # ---- load balancers ----

    def convert_balancer(self, item, zone):
        origin, owner = self.read_name(item, zone)
        item.pass_over("zone_name", *BALANCER_NOISE)
        if not item.boolean("enabled", True):
            self.report.pass_over(item.place, f"{owner}: not enabled: its DNS records are answered")
            item.pass_all()
            return
        try:
            plan = self.plan(item, owner)
        except Unconverted as error:
            self.report.leave_out(item.place, f"{owner}: {error}")
            item.pass_all()
            return
        proxied = item.boolean("proxied")
        ttl = item.integer("ttl", PROXIED_TTL_S if proxied else LOAD_BALANCER_TTL_S)
        if proxied:
            self.report.approximate(item.place, f"{owner}: proxied: clients go to the origins themselves, not through Cloudflare; answers are cached "
                                                f"for {ttl} s, which is the longest a failover takes to be seen")
        self.draft.add_name(origin, owner, plan, item.place, ttl)

    def plan(self, item, owner):
        policy = item.text("steering_policy") or ("geo" if any(item.get(key) for key in ("region_pools", "country_pools", "pop_pools")) else "off")
        if policy not in POLICIES:
            raise Failure(f"{item.place}: found {jsonfile.shorten(policy)} as steering_policy, expected one of {', '.join(POLICIES)}")
        names = item.array("default_pools", str)
        tiers = self.tiers(names, owner, item.place)
        if not tiers:
            raise Unconverted("none of its pools can answer")
        rules = self.rules(item, owner) if policy == "geo" else self.pass_rules(item, owner)
        plan = Plan(self.steer(policy, item, owner, tiers), rules, fallback="first")
        plan.host_answer = "addresses" if self.pools.flattens(names) or owner in self.draft.zones else "auto"
        plan.pool = self.fallback(item, owner)
        self.follow_location(item, owner, plan)
        plan = self.keep_sessions(item, owner, plan)
        self.name_proxy_features(item, owner)
        return plan

    def tiers(self, names, owner, place):
        return [tier for tier in (self.pools.tier(name, owner, place) for name in dict.fromkeys(names)) if tier is not None]

    def steer(self, policy, item, owner, tiers):
        if policy in ("off", "geo"):
            self.pass_random(item)
            return tiers
        if policy in ("dynamic_latency", "proximity"):
            self.pass_random(item)
            return self.by_distance(policy, item, owner, tiers)
        if policy != "random":
            self.report.approximate(item.place, f"{owner}: {policy}: at random, by weight; steerd follows \"load\" that endpoints report")
        return [self.at_random(item, owner, tiers)]

    def pass_random(self, item):
        random = item.object("random_steering")
        if random is not None:
            self.report.pass_over(item.place, "random_steering: its steering_policy does not use it")
            random.pass_all()

    def by_distance(self, policy, item, owner, tiers):
        if not self.pools.has_place(tiers):
            self.report.leave_out(item.place, f"{owner}: {policy}: pools without latitude and longitude: they are tiers in their order; write "
                                              "\"location\" into topology.json and \"tiers\": \"nearest\" into the policy")
            return tiers
        if policy == "dynamic_latency":
            self.report.approximate(item.place, f"{owner}: dynamic_latency: the nearest pool by coordinates, not the one with the least round trip "
                                                "time")
        if any(tier.enough > 1 for tier in tiers):
            self.report.approximate(item.place, f"{owner}: minimum_origins: among pools by distance one origin that is up is enough")
        return Nearest(tiers, min(len(tiers), NEAREST_MAX), others=len(tiers) > NEAREST_MAX)

    def at_random(self, item, owner, tiers):
        """All pools as one tier, each with its share."""
        if len(tiers) == 1:
            self.pass_random(item)
            return tiers[0]
        random = item.object("random_steering")
        weights = random.object("pool_weights") if random is not None else None
        default = random.number("default_weight", 1, 0, 1) if random is not None else 1
        targets = []
        for name in dict.fromkeys(item.array("default_pools", str)):
            tier = next((tier for tier in tiers if name in self.pools.known and tier.place == self.pools.known[name].place), None)
            if tier is None:
                continue
            weight = default if weights is None else weights.number(name, default, 0, 1)
            total = sum(target.weight for target in tier.targets) or 1
            targets += [dataclasses.replace(target, weight=max(round(weight * 10000 * target.weight / total), 1) if weight and target.weight else 0)
                        for target in tier.targets]
        if any(len(tier.targets) > 1 for tier in tiers):
            self.report.approximate(item.place, f"{owner}: random: while some origins of a pool are down its share is smaller"
                                                + ("; minimum_origins: one is enough" if any(tier.enough > 1 for tier in tiers) else ""))
        return dataclasses.replace(tiers[0], targets=tuple(targets), enough=1, path=(), resource=owner.rstrip("."))

    def fallback(self, item, owner):
        """Endpoints of their own, which nothing watches: their health does not count."""
        name = item.text("fallback_pool")
        tier = self.pools.tier(name, owner, item.place) if name else None
        if tier is None:
            self.report.leave_out(item.place, f"{owner}: no fallback_pool: where everything is down answers stay with the first pool")
            return None
        path = (("region", "fallback"), ("az", tier.resource))
        targets = tuple(dataclasses.replace(target, label=f"fallback-{target.label}", services=(), path=path) for target in tier.targets)
        if any(target.services for target in tier.targets):
            self.report.approximate(item.place, f"{owner}: fallback_pool {tier.resource}: its health does not count: it is a second set of endpoints, "
                                                "without checks, which has to be drained by itself")
        return dataclasses.replace(tier, targets=targets, path=path, enough=1)

    # ---- where clients are ----

    def rules(self, item, owner):
        rules = []
        for key in ("country_pools", "region_pools"):
            pools = item.object(key)
            for code in pools or ():
                tiers = self.tiers(pools.array(code, str), owner, item.place)
                if tiers:
                    rules += [(when, tiers) for when in self.whens(item, owner, key, code)]
        pops = item.object("pop_pools")
        if pops:
            self.report.leave_out(item.place, f"{owner}: pop_pools {', '.join(pops)}: data centers of Cloudflare; write rules for the networks that they "
                                              "serve")
            pops.pass_all()
        return rules

    def whens(self, item, owner, key, code):
        if key == "country_pools":
            if not re.fullmatch("[A-Z]{2}", code):
                raise Failure(f"{item.place}: found {jsonfile.shorten(code)} in country_pools, expected the code of a country")
            return [{"country": code}]
        if self.regions is not None and code not in self.regions or self.regions is None and code not in CLOUDFLARE:
            raise Failure(f"{item.place}: found {jsonfile.shorten(code)} in region_pools, expected a region of Cloudflare, such as WEU")
        codes = self.regions[code] if self.regions is not None else CLOUDFLARE[code].split()
        if self.regions is None:
            self.report.approximate(item.place, f"{owner}: region_pools: which countries are in {code} is steerd's own list; give the answer of GET "
                                                "/accounts/ID/load_balancers/regions, too, to have Cloudflare's")
        if not all(re.fullmatch("[A-Z]{2}(-[A-Z0-9]{1,3})?", place) for place in codes):
            raise Failure(f"{item.place}: found places of {code} that are no codes of countries or subdivisions")
        countries, parts = ([place for place in codes if ("-" in place) == wanted] for wanted in (False, True))
        return [{"subdivision": parts}] * bool(parts) + [{"country": countries}] * bool(countries)

    def pass_rules(self, item, owner):
        for key in ("region_pools", "country_pools", "pop_pools"):
            pools = item.object(key)
            if pools:
                self.report.pass_over(item.place, f"{owner}: {key}: its steering_policy does not use them")
                pools.pass_all()
        return []

    def follow_location(self, item, owner, plan):
        strategy = item.object("location_strategy")
        if strategy is None:
            return
        ecs, mode = strategy.text("prefer_ecs", "proximity"), strategy.text("mode", "pop")
        if ecs == "never":
            plan.ignores_subnet = True
        if mode == "pop":
            self.report.approximate(item.place, f"{owner}: location_strategy pop: steerd goes by the client's address, or the resolver's, not by the data "
                                                "center that was asked")

    # ---- what the proxy does ----

    def keep_sessions(self, item, owner, plan):
        affinity = item.text("session_affinity") or "none"
        ttl = item.integer("session_affinity_ttl", 0)
        if affinity == "none":
            return plan
        self.report.approximate(item.place, f"{owner}: session_affinity {affinity}: the same endpoint for clients of one prefix (\"sticky\"), by DNS; there "
                                            "are no cookies")
        if ttl:
            plan.sticky = {"hold": duration(min(ttl, HOLD_MAX_S))}
            self.report.approximate(item.place, f"{owner}: session_affinity_ttl: for so long, a day at most, an endpoint that came back gets no clients "
                                                "who could be elsewhere (\"hold\")")

        def stick(tiers):
            tiers[:] = [dataclasses.replace(tier, pick=STICKY) for tier in tiers]
        for tiers in plan.choices():
            stick(tiers)
        return plan

    def name_proxy_features(self, item, owner):
        routing = item.object("adaptive_routing")
        if routing is not None and not routing.boolean("failover_across_pools"):
            routing.pass_all()
        elif routing is not None:
            self.report.leave_out(item.place, f"{owner}: adaptive_routing: retrying a request elsewhere is for a proxy")
        attributes = item.object("session_affinity_attributes")
        if attributes is not None and not any(attributes.get(key) for key in ("drain_duration", "headers")):
            attributes.pass_all()
        for rule in item.array("rules", Object):
            self.report.leave_out(item.place, f"{owner}: rules: {rule.get('name')}: it decides by the request, which DNS does not see"
                                              + (" (disabled)" if rule.get("disabled") else ""))
            rule.pass_all()


def convert(draft, arguments, databases):
    importer = Importer(draft, databases)
    for argument in arguments:
        importer.read(argument)
    if not importer.origins:
        raise Failure(f"{arguments[0]}: found no zone_name in any file; write ZONE=FILE for that of the load balancers")
    importer.convert()
