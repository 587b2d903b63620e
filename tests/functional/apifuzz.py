# SPDX-License-Identifier: BSD-3-Clause
"""Requests as doc/openapi.yaml describes them, and others that are nearly so: strategies of hypothesis. What a server knows is
not looked at, so the requests of a seed are the same whatever it answers."""
import json
import re
import string
import urllib.parse

import hypothesis.strategies as st

import openapi

WORDS = ["us-east", "eu-west", "us-east-1a", "web-us-east-1a", "web-eu-west-1a", "web", "push", "example.com", "www.example.com", "A", "TXT",
         "region:us-east", "az:us-east-1a", "region:us-east=drain", "endpoint:web-us-east-1a=down", "us-east>eu-west", "p1", "p2", "t1", "v1",
         "r1", "room", "override", "local", "now", "10ms", "30s", "1h", "90d", "0s", "1", "42", "-1", "2026-01-01T00:00:00Z",
         "2036-01-01T00:00:00Z", "192.0.2.1", "2001:db8::/32", "true", "false", "drain", "auto", "sw-1", "*", "%", "é", "\u202e", "a" * 63, "a" * 300]
# What there is of a kind: by the part of a path before a name, and by the name of a field or parameter. Nine times of ten one of these.
THERE = {"regions": ["us-east", "eu-west"], "azs": ["us-east-1a", "eu-west-1a"], "endpoints": ["web-us-east-1a", "web-eu-west-1a"],
         "points": ["p1", "p2"], "tokens": ["t1", "t2"], "vantages": ["v1", "v2"], "rules": ["room"], "webhooks": ["hook"], "zones": ["example.com"],
         "{plural}": ["us-east", "us-east-1a", "web-us-east-1a"], "names": ["www.example.com", "www"], "switchovers": ["SWITCHOVER"],
         "{kind}": ["us-east", "us-east-1a", "web-us-east-1a", "web"]}
KINDS = {**{key: THERE[key] for key in ("regions", "azs", "endpoints")}, "checks": ["web", "push"]}
FIELDS = {"region": ["us-east", "eu-west"], "az": ["us-east-1a"], "endpoint": ["web-us-east-1a"], "check": ["push", "web"], "rule": ["room"],
          "reason": ["because"], "actor": ["alice"], "expires_in": ["30s", "1h", "300ms"], "starts_in": ["1h", "100ms"], "ttl": ["30s", "1m"], "valid": ["1h"],
          "overlap": ["1h", "0s"], "client": ["192.0.2.1"], "source": ["region:us-east", "region:eu-west"], "to": ["eu-west", "p1", "2026-01-01T00:00:00Z"],
          "from": ["us-east", "p1", "local"], "wish": ["region:us-east=drain", "az:us-east-1a=down"], "assume": ["region:us-east=down"], "zone": ["example.com"],
          "lose": ["region:us-east", "az:eu-west-1a"], "failure": ["timeout", "refused"], "type": ["A", "AAAA"], "each": ["1s", "1m"], "name": ["t2", "p2", "v2", "us-east", "www.example.com"],
          "target": ["region:us-east"], "accept": ["replication", "unserved"], "if_tag": ["*"], "value": [0.5, {}, {"weight": 3}, {"ttl": 9}],
          "override_rules": ["room"], "document": ["topology"], "confirm": ["us-east"], "limit": [1, 10, 100], "wait": ["10ms"]}
HEADERS = ["*", '"1"', 'W/"1"', '"1", "2"', '"', "", ",", '"a', "respond-async", "wait=5, respond-async", '"k1"', '"k2"', "k1", '"k1";a=1', "1",
           '"' + "k" * 255 + '"', '"' + "k" * 256 + '"', "\t", '"\x80"', "bytes=0-1", "application/xml", "gzip", "x" * 9000]
GOOD = {"Prefer": st.sampled_from(["respond-async", "respond-async, wait=1"]), "If-Match": st.sampled_from(["*", '"1"']), "Idempotency-Key": st.integers(1, 10**6).map(lambda number: f'"{number}"')}
METHODS = ("get", "put", "post", "patch", "delete")
SKIPPED = {"takeOver", "followEvents"}  # a server more; one that does not end
# Printable text and some that is hard; no surrogates, which JSON has no octets for.
TEXT = st.text(st.one_of(st.sampled_from(string.printable + "éß\u202e\U0001f600\x00\x7f\x85"), st.characters(blacklist_categories=["Cs"])), max_size=12)
ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2**64, 2**64), st.floats(allow_nan=False, allow_infinity=False), TEXT, st.sampled_from(WORDS)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(TEXT, st.sampled_from(WORDS)), inner, max_size=3)), max_leaves=6)


def list_operations():
    """(method, template, operation, its parameters) of each that can be asked in a test."""
    found = []
    for template, item in openapi.load()["paths"].items():
        for method in METHODS:
            if method in item and item[method]["operationId"] not in SKIPPED:
                parameters = [openapi.follow(node) for node in item.get("parameters", []) + item[method].get("parameters", [])]
                found.append((method.upper(), template, item[method], parameters))
    return found


# ---- what a schema lets pass ----

def merge(schema):
    """One schema of those that an allOf brings together."""
    schema = openapi.follow({} if schema is True else schema)
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in map(merge, schema.get("allOf", [])):
        merged = {**part, **merged, "properties": {**part.get("properties", {}), **merged.get("properties", {})},
                  "required": part.get("required", []) + merged.get("required", [])}
    return merged


def make_text(schema):
    if "pattern" in schema:
        return st.from_regex(re.compile(schema["pattern"], re.ASCII)).filter(lambda text: "\n" not in text and not any("\ud800" <= c <= "\udfff" for c in text))
    if schema.get("format") == "date-time":
        return st.sampled_from(["2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z", "2036-02-29T23:59:60.5+01:00", "1970-01-01T00:00:00Z"])
    low, high = schema.get("minLength", 0), schema.get("maxLength", 300)
    words = [word for word in WORDS if low <= len(word) <= high]
    return st.one_of(st.sampled_from(words), st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=low, max_size=min(high, low + 8)))


def make_number(schema, kind):
    low, high = schema.get("minimum", schema.get("exclusiveMinimum", -1000)), schema.get("maximum", 10**6)
    return st.integers(int(low), int(high)) if kind == "integer" else st.floats(low, high, allow_nan=False, allow_infinity=False)


def make_field(name, schema, depth):
    """Values of a field or parameter of this name: such as there are, mostly."""
    merged = merge(schema)
    plain = not {"enum", "const"} & set(merged) and (name in ("source", "value") or not {"oneOf", "anyOf"} & set(merged))
    if name not in FIELDS or not plain or merged.get("type", "string") not in ("string", "integer", "array", ["string", "array"]):
        return make(schema, depth)
    known = st.sampled_from(FIELDS[name])
    if merged.get("type") == "array":
        known = st.lists(known, min_size=1, max_size=2)
    return st.integers(0, 9).flatmap(lambda way: known if way else make(schema, depth))


@st.composite
def draw_object(draw, named, needed, depth):
    """Few of those that may be missing: many of them exclude each other."""
    others = sorted(set(named) - needed - {"$comment"})
    kept = draw(st.lists(st.sampled_from(others), max_size=3, unique=True)) if others and depth > 0 else []
    if "reason" in others and draw(st.integers(0, 9)):
        kept.append("reason")
    return {key: draw(make_field(key, named[key], depth - 1)) for key in [*sorted(needed & set(named)), *kept]}


def make_object(schema, depth):
    return draw_object(schema.get("properties", {}), set(schema.get("required", [])), depth)


def make(schema, depth=4):
    """Values of this schema."""
    schema = merge(schema)
    for several in "oneOf", "anyOf":
        if several in schema:
            base = {key: value for key, value in schema.items() if key not in (several, "unevaluatedProperties")}
            return st.one_of([make({"allOf": [part, base]} if base.get("properties") else part, depth) for part in schema[several]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type", "object" if schema.get("properties") else None)
    if isinstance(kind, list):
        return st.one_of([make({**schema, "type": one}, depth) for one in kind])
    if kind == "array":
        return st.lists(make(schema.get("items", {}), depth - 1), min_size=schema.get("minItems", 0), max_size=min(schema.get("maxItems", 3), 3))
    makers = {"string": make_text, "integer": lambda it: make_number(it, "integer"), "number": lambda it: make_number(it, "number"),
              "boolean": lambda _: st.booleans(), "null": lambda _: st.none(), "object": lambda it: make_object(it, depth)}
    return makers[kind](schema) if kind in makers else ANY_JSON


# ---- near misses ----

def list_places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from list_places(item, (*path, key))


def change_at(value, path, change):
    if not path:
        return change(value)
    copy = value.copy()
    copy[path[0]] = change_at(value[path[0]], path[1:], change)
    return copy


def spoil(draw, value):
    """One place of it is something else, or missing, or has more."""
    path = draw(st.sampled_from(list(list_places(value))))
    how = draw(st.integers(0, 2))
    if how == 0 and path and isinstance(path[-1], str):
        return change_at(value, path[:-1], lambda inner: {key: item for key, item in inner.items() if key != path[-1]})
    if how == 1:
        key, more = draw(st.one_of(TEXT, st.sampled_from(WORDS))), draw(ANY_JSON)
        return change_at(value, path, lambda inner: {**inner, key: more} if isinstance(inner, dict) else [inner, more])
    new = draw(ANY_JSON)
    return change_at(value, path, lambda _: new)


# Of things of the configuration, whose schema is that of files.
THINGS = [{}, {"weight": 3}, {"ttl": 9}, {"az": "us-east-1a", "addresses": ["192.0.2.7"], "checks": ["push"]}, {"type": "push", "ttl": "1h"}, {"azs": {"ap-1a": {}}},
          {"endpoints": ["*"]}, {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "ttl": 5}, {"weight": None}, {"region": "us-east"}]


def draw_body(draw, content):
    media, described = next(iter(content.items()))
    schema = described.get("schema", {})
    is_thing = not openapi.follow({} if schema is True else schema).get("properties") and "jsonl" not in media
    value = draw(st.sampled_from(THINGS)) if is_thing and draw(st.integers(0, 4)) else draw(make(schema))
    way = draw(st.integers(0, 9))
    if media != "application/json":
        lines = [json.dumps(spoil(draw, {"kind": "override", "key": "region:us-east", "value": {"state": "drain", "reason": "x"}})) for _ in range(way % 3)]
        return "\n".join(lines).encode(), media
    if 6 <= way < 9:
        value = spoil(draw, value)
    text = json.dumps(value, ensure_ascii=way % 2 == 0).encode()
    if way == 9:
        at = draw(st.integers(0, len(text)))
        text = draw(st.sampled_from([text[:at], text[:at] + b"\xff" + text[at:], text + b"x", b"[" * 3000, b'{"a":1,"a":2}', b"", b"null"]))
    return text, media if way != 8 else draw(st.sampled_from([media, "application/json; charset=utf-8", "text/plain", "application/jsonl"]))


def draw_path(draw, template, parameters):
    """The path with its holes filled, and a query."""
    by_name = {node["name"]: node for node in parameters if node["in"] == "path"}

    filled = {}

    def fill(found):
        schema = by_name.get(found[1], {}).get("schema", {"type": "string"})
        before = template[:found.start()].rstrip("/").rsplit("/", 1)[-1]
        there = THERE.get(before)
        if there and found[1] in ("name", "id", "zone") and draw(st.integers(0, 9)):
            return urllib.parse.quote(draw(st.sampled_from(KINDS.get(filled.get("{plural}") or filled.get("{kind}")) or there)), safe="")
        value = draw(make(schema)) if draw(st.integers(0, 9)) else draw(TEXT)
        filled[found[0]] = value
        return urllib.parse.quote(str(value), safe="")
    path = re.sub(r"\{([^}]+)\}", fill, template)
    query = []
    for node in parameters:
        wanted = node.get("required", False) or draw(st.integers(0, 5)) == 0
        if node["in"] == "query" and wanted and draw(st.integers(0, 19)) != 0:
            value = draw(make_field(node["name"], node["schema"], 4)) if draw(st.integers(0, 5)) else draw(st.one_of(TEXT, st.sampled_from(WORDS)))
            for item in value if isinstance(value, list) else [value]:
                text = item if isinstance(item, str) else json.dumps(item)
                text = "10ms" if node["name"] == "wait" and len(text) > 4 else text
                query.append(f"{node['name']}={urllib.parse.quote(text, safe='')}")
    if draw(st.integers(0, 19)) == 0:
        query.append(draw(st.sampled_from(["x=1", "limit=1&limit=2", "cursor=", "%", "%zz=1", "a=%00", "&&", "=", "limit=99999999999999999999"])))
    return path + ("?" + "&".join(query) if query else "")


def draw_headers(draw, parameters):
    headers = {}
    for node in parameters:
        if node["in"] == "header" and draw(st.integers(0, 3)) == 0:
            good = draw(st.integers(0, 9))
            headers[node["name"]] = draw(GOOD.get(node["name"], make(node["schema"])) if good else st.one_of(st.sampled_from(HEADERS), make(node["schema"])))
    if draw(st.integers(0, 9)) == 0:
        name = draw(st.sampled_from(["Accept", "Range", "If-Match", "If-None-Match", "If-Modified-Since", "Prefer", "Idempotency-Key", "Expect", "Authorization"]))
        headers[name] = draw(st.sampled_from(HEADERS)) if name != "Expect" else "200-ok"
    kept = {}
    for name, value in headers.items():
        value = str(value).encode("utf-8", "replace").decode("latin-1")
        kept[name] = re.sub(r"[\r\n]", " ", value)
    return kept


@st.composite
def requests(draw, operations=None):
    """(method, path, headers, body), and which operation it is about."""
    method, template, operation, parameters = draw(st.sampled_from(operations or list_operations()))
    path, headers, body = draw_path(draw, template, parameters), draw_headers(draw, parameters), None
    content = openapi.follow(operation.get("requestBody", {})).get("content")
    if content and draw(st.integers(0, 19)):
        body, headers["Content-Type"] = draw_body(draw, content)
    elif draw(st.integers(0, 29)) == 0:
        body, headers["Content-Type"] = b"{}", "application/json"
    if draw(st.integers(0, 39)) == 0:
        method = draw(st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"]))
    return method, path, headers, body, operation["operationId"]
