# SPDX-License-Identifier: BSD-3-Clause
"""What a switchover sees of its own answers: at every listen address, by UDP and TCP, for clients of every class, of addresses and
of names that CNAMEs lead to."""
import pathlib

import kit
from test_switchover import act, begin, finding, scene, start, verify, wait_for  # noqa: F401  pylint: disable=unused-import

GEO = pathlib.Path(__file__).resolve().parent.parent / "data" / "geo" / "city.mmdb"


def moved(server, **body):
    made = begin(server, to="eu-west", each="1s", **body)
    act(server, made, "execute")
    wait_for(server, made, "moved")
    return made


def refused(server, made, *names):
    """What objects once these are all, and what the answers are said to be."""
    def all_of_them():
        errors = {error["field"]: error["message"] for error in act(server, made, "verify", 409)["errors"]}
        return errors if sorted(errors) == sorted(names) else None
    return server.wait(all_of_them, f"{names} object")["answers"]


def test_a_class_of_clients_still_leads_there(scene):
    """All others move, but clients in France are answered with a record of the zone file then, which leads to us-east."""
    scene.server["geo"] = [str(GEO)]
    scene.zone("example.com", f"www 1 A {scene.us[0]}\n")
    www = scene.policies["example.com"]["names"]["www"]
    www["geo"] = [{"when": {"country": "FR"}, "tiers": [["us-east"]], "fallback": "static"}]
    server = start(scene)
    made = begin(server, each="1s")
    path = f"/v1/switchovers/{made['id']}:execute"
    reply = server.request("POST", path, {"actor": "ann"})
    if reply.status == 409:
        objections = [error["field"] for error in reply.json["errors"]]
        act(server, made, "execute", accept=objections, reason="it has to be")
    wait_for(server, made, "moved")
    assert server.addresses("www.example.com") == scene.eu

    def objects():
        errors = {error["field"]: error["message"] for error in act(server, made, "verify", 409)["errors"]}
        return errors if "resolvers" not in errors else None
    said = server.wait(objects, "TTLs are over")["answers"]
    assert said.startswith(f"2 of 12 answers still lead to what was moved off: www.example.com. 1 IN A {scene.us[0]} for a client of geo[0] ("), said
    assert said.endswith((" by udp", " by tcp")), said


def test_what_does_not_fit_by_udp_is_seen_by_tcp(scene):
    """Also where each way gets a part of the questions only: what is truncated by UDP is the same question by TCP. The answer
    for clients in France is a long one of the zone file, which leads to us-east."""
    scene.server["geo"] = [str(GEO)]
    scene.listen += [(kit.new_address(), kit.DNS_PORT) for _ in range(2)]
    scene.zone("example.com", "".join(f"www 1 A {address}\n" for address in
                                      [scene.us[0], *(f"192.0.2.{i}" for i in range(1, 255))]))
    names = scene.policies["example.com"]["names"]
    for i in range(345):
        names[f"w{i}"] = dict(names["www"])
    names["www"]["geo"] = [{"when": {"country": "FR"}, "tiers": [["us-east"]], "fallback": "static"}]
    server = start(scene)
    made = begin(server, to="eu-west", each="1s")
    objections = [error["field"] for error in act(server, made, "execute", 409)["errors"]]
    act(server, made, "execute", accept=objections, reason="it has to be")
    wait_for(server, made, "moved")

    def objects():
        errors = {error["field"]: error["message"] for error in act(server, made, "verify", 409)["errors"]}
        return errors if "resolvers" not in errors else None
    said = server.wait(objects, "TTLs are over")["answers"]
    assert f" still lead to what was moved off: www.example.com. 1 IN A {scene.us[0]} for a client of geo[0] (" in said, said
    assert said.endswith(" by tcp"), said


def test_each_listen_address_is_asked(scene):
    """One that is for others only answers them only: it is named."""
    first, other = scene.listen[0], (kit.new_address(), kit.DNS_PORT)
    scene.server["listen"] = [f"{first[0]}:{first[1]}", {"address": f"{other[0]}:{other[1]}", "allow": "192.0.2.0/24"}]
    server = start(scene)
    made = moved(server)
    said = refused(server, made, "answers")
    assert said.startswith("4 of 8 answers are errors, or lead there: www.example.com. is answered with error 5") or \
        said.startswith("4 of 8 queries to ourselves had no answer: "), said
    assert f"{other[0]}" in said and first[0] not in said, said
    assert act(server, made, "verify", accept=["answers"], reason="that is meant")["state"] == "verified"


def test_all_listen_addresses(scene):
    other = (kit.new_address(), kit.DNS_PORT)
    scene.listen.append(other)
    server = start(scene)
    made = moved(server)
    assert finding(verify(server, made)["look"], "answers")["text"] == \
        "none of 8 answers leads to what was moved off (1 name for 1 client, at 2 addresses by udp and tcp)"


def test_where_cnames_lead(scene):
    scene.policies["example.com"]["names"]["cdn"] = {
        "ttl": 1, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]], "addresses": False,
        "records": {"CNAME": {"us-east": "us.cdn.example.net.", "eu-west": "eu.cdn.example.net."}}}
    server = start(scene)
    made = moved(server)
    assert finding(verify(server, made)["look"], "answers")["text"] == \
        "none of 8 answers leads to what was moved off (2 names for 2 clients, at 1 address by udp and tcp)"
    act(server, made, "commit")
    act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    act(server, made, "failback", reason="power is back")
    wait_for(server, made, "returned")
    assert finding(verify(server, made)["look"], "answers")["text"] == \
        "6 of 8 answers lead there again (2 names for 2 clients, at 1 address by udp and tcp)"  # cdn by A and AAAA, www by A
