# SPDX-License-Identifier: BSD-3-Clause
"""Hold every answer of the API to doc/openapi.yaml: path, method, status, media type and body. kit.Server.request() does so
with each answer that any test gets, so a field that the document does not have fails the test that saw it first."""
import functools
import json
import pathlib
import re

import jsonschema
import yaml

PATH = pathlib.Path(__file__).resolve().parents[2] / "doc/openapi.yaml"


def list_nodes(node):
    """Every dict of the document."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from list_nodes(inner)


def close(document):
    """Objects hold what the document names and nothing else, unless it says so. Parts of an allOf stay open: they are
    closed where they come together."""
    parts = [part for node in list_nodes(document) for part in node.get("allOf", [])]
    open_ones = {id(part) for part in parts} | {
        id(document["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]]) for part in parts if "$ref" in part}
    for node in list_nodes(document):
        holds_fields = isinstance(node.get("properties"), dict) and node.get("type", "object") == "object" \
            or isinstance(node.get("allOf"), list)
        if holds_fields and id(node) not in open_ones and "additionalProperties" not in node:
            node.setdefault("unevaluatedProperties", False)
    return document


@functools.lru_cache(maxsize=None)
def load():
    with open(PATH, encoding="utf-8") as stream:
        return close(yaml.safe_load(stream))


def follow(node):
    """A reference within the document, or the node itself."""
    while "$ref" in node:
        target = load()
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def find_operation(method, path):
    """What the document has for a method and path: None if it has no such path or no such method there."""
    for template, item in load()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path.split("?")[0]):
            return item.get(method.lower())
    return None


def find_response(operation, status):
    responses = operation["responses"]
    for key in str(status), f"{str(status)[0]}XX", "default":
        if key in responses:
            return follow(responses[key])
    raise AssertionError(f"the document has no {status} for {operation['operationId']}")


def validate(schema, body):
    resolver = jsonschema.RefResolver("", load())
    jsonschema.Draft202012Validator(schema, resolver=resolver).validate(body)


def narrow(node, query):
    """Without the alternatives that only some parameter asks for (x-asked-by), if it is not there."""
    if isinstance(node, list):
        return [narrow(inner, query) for inner in node]
    if not isinstance(node, dict):
        return node
    return {key: narrow([one for one in inner if f"{follow(one).get('x-asked-by', '')}=" in query + "="] if key == "anyOf" else inner, query)
            for key, inner in node.items()}


def judge_headers(response, reply):
    """Those that the document says something of; and some are nowhere else."""
    known = follow(response).get("headers", {})
    for name, header in known.items():
        if name in reply.headers:
            validate(follow(header)["schema"], reply.headers[name])
    for name in "ETag", "Idempotency-Replayed":
        assert name in known or name not in reply.headers, f"{name} is not documented"


def judge(method, path, reply):
    """Raise if the reply is not what the document says. What it does not know may only be a problem document."""
    operation = find_operation("GET" if method == "HEAD" else method, path)
    if reply.status == 304:
        assert operation is not None and "304" in operation["responses"] and reply.body == b"" and "Content-Type" not in reply.headers
        judge_headers(operation["responses"]["304"], reply)
        return
    media = reply.headers["Content-Type"].split(";")[0]
    if operation is None:
        assert reply.status >= 400 and media == "application/problem+json", f"{method} {path} is not documented"
        return
    judge_headers(find_response(operation, reply.status), reply)
    content = find_response(operation, reply.status)["content"]
    assert media in content, f"{method} {path}: {media} is not documented, only {list(content)}"
    if method != "HEAD" and media.endswith("json"):
        validate(narrow(content[media]["schema"], path.partition("?")[2]), json.loads(reply.body))
