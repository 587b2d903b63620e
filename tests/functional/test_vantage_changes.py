# SPDX-License-Identifier: BSD-3-Clause
"""Lists that change are told by what differs, where both sides know of that; and connections that follow one another: a list that
is there is not sent again, and what was asked in the one before is over."""
import concurrent.futures
import contextlib

import pytest

import kit
import test_vantages
import vantage_client
from test_hosts import HOST, make_site, resolver  # noqa: F401  pylint: disable=unused-import
from test_steerprobe import HTTP, identities, scene, start, start_web  # noqa: F401  pylint: disable=unused-import
from test_vantages import EU, US, make, scene as served  # noqa: F401  pylint: disable=unused-import
from vantage_client import Ended, row

SLOW = {**HTTP, "interval": "1h", "fall": 1}


# ---- the server's side ----

def add_endpoints(served, count):  # noqa: F811  pylint: disable=redefined-outer-name
    for i in range(count):
        served.topology["endpoints"][f"more-{i:04}"] = {"az": "eu-west-1a", "addresses": f"10.1.{i >> 8}.{i & 255}", "checks": "web"}
    served.write()


def reload(server, vantage, *kinds):
    assert server.reload().status == 200
    vantage.hear(*kinds)
    return vantage.hear("listed")


@pytest.mark.parametrize("knows", [True, False], ids=["knows changes", "does not"])
def test_a_change_is_told_to_who_knows_of_changes(served, knows):  # noqa: F811  pylint: disable=redefined-outer-name
    add_endpoints(served, 1200)
    server = test_vantages.start(served)
    fra, sin = make(served, server, "fra-1"), make(served, server, "sin-1")
    fra.close()
    fra.changes, fra.generation = knows, None
    fra.come()
    assert fra.whole == 1202 and fra.mark is not None
    server.wait(lambda: row(server, "fra-1")["list"]["current"], "its list")
    served.topology["endpoints"]["first"] = {"az": "us-east-1a", "addresses": "10.2.0.1", "checks": "other"}
    served.topology["checks"] = {"other": {"type": "tcp", "port": 10, "interval": "1h"}, **served.topology["checks"]}
    served.topology["endpoints"] = {"first": served.topology["endpoints"].pop("first"), **served.topology["endpoints"]}
    del served.topology["endpoints"]["more-0007"]
    served.topology["endpoints"]["more-0100"]["addresses"] = "10.2.0.2"
    served.write()
    reload(server, fra, "change" if knows else "list")
    sin.hear("listed")
    assert fra.whole == (2 if knows else 1202) and sin.whole == 1202
    assert fra.targets == sin.targets and fra.checks == sin.checks
    fra.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"})
    sin.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"})
    server.wait_answers("www.example.com", served.eu)
    del served.topology["endpoints"]["first"], served.topology["checks"]["other"]
    served.write()
    reload(server, fra, "change" if knows else "list")
    sin.hear("listed")
    assert fra.targets == sin.targets and fra.whole == (0 if knows else 1201)


def test_who_has_the_list_is_not_sent_it_again(served):  # noqa: F811  pylint: disable=redefined-outer-name
    server = test_vantages.start(served)
    fra = make(served, server, "fra-1")
    fra.close()
    mark, targets = fra.mark, fra.targets
    assert "server" in fra.hello(list=mark)
    assert fra.hear("same", "list") == {"generation": fra.generation} and fra.targets == targets
    fra.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"})
    server.wait_answers("www.example.com", served.eu)
    server.wait(lambda: row(server, "fra-1")["list"]["current"], "it goes by it")
    add_endpoints(served, 3)  # who says that knows of changes, too
    reload(server, fra, "change")
    assert fra.whole == 3 and fra.mark != mark
    assert "server" in fra.hello(list=mark)
    fra.hear("list")
    fra.hear("listed")
    assert fra.whole == 5
    server.kill()
    server = test_vantages.start(served)
    fra.server = server
    assert "server" in fra.hello(list=fra.mark)
    fra.hear("same")
    server.wait(lambda: row(server, "fra-1")["list"]["targets"] == 5, "the same list of another process")


def test_what_it_refused_long_ago_is_shown(served):  # noqa: F811  pylint: disable=redefined-outer-name
    server = test_vantages.start(served)
    fra = make(served, server, "fra-1")
    fra.close()
    assert "server" in fra.hello(list=fra.mark)
    generation = fra.hear_any()
    while generation[0] != "same":
        generation = fra.hear_any()
    fra.say("taken", generation=generation[1]["generation"], refused=[{"check": 0, "why": "no such kind"}])
    server.wait(lambda: row(server, "fra-1")["list"]["refused"] == 1, "a check that it cannot make")


def test_a_list_that_is_none(served):  # noqa: F811  pylint: disable=redefined-outer-name
    server = test_vantages.start(served)
    fra = make(served, server, "fra-1")
    fra.connect()
    fra.say("hello", version=1, name="fra-1", software="", run="0" * 16, list="x")
    with pytest.raises(Ended):
        fra.hear("welcome")
    assert server.addresses("www.example.com") == served.us


def test_a_check_that_the_connection_before_was_asked_is_over(served):  # noqa: F811  pylint: disable=redefined-outer-name
    server = test_vantages.start(served)
    fra = make(served, server, "fra-1")
    server.wait(lambda: row(server, "fra-1")["list"]["current"], "its list")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(server.request, "POST", f"/v1/checks:run?endpoint={US}&check=web&from=fra-1")
        fra.hear("run")
        before = fra.tls  # stays open
        fra.hello()
        (item,) = asked.result().json["items"]
    assert [step["text"] for step in item["steps"]] == ["a later connection of it has come"]
    before.close()


def test_who_is_revoked_has_a_name_to_the_end(served):  # noqa: F811  pylint: disable=redefined-outer-name
    server = test_vantages.start(served)
    make(served, server, "fra-1")
    assert server.request("DELETE", "/v1/vantages/fra-1?reason=gone").status == 200
    server.wait_log("disconnected", "revoked", "fra-1")


@pytest.fixture
def named(site, resolver):  # noqa: F811  pylint: disable=redefined-outer-name
    """One endpoint whose addresses are those of a name."""
    resolver.records[HOST] = {"A": ["192.0.2.1"]}
    make_site(site, resolver, {"lb": {"host": HOST, "checks": "web"}}, {"web": {"type": "tcp", "port": 9, "interval": "1h"}})
    site.zone("example.com", "")
    site.server["start_wait"] = "1ms"
    site.vantages_at = vantage_client.listen(site, quorum="majority", local={"weight": 0})
    site.made, site.resolver = [], resolver
    site.write()
    yield site
    for vantage in site.made:
        vantage.close()


def wait_addresses(vantage, *addresses):
    """Of the name, which is looked up every 5 s."""
    while vantage.targets[vantage.find("lb web ipv4")]["addresses"] != list(addresses):
        vantage.live()
        vantage.hear("aim", "listed", "alive")


def test_addresses_of_a_name_are_told_in_every_way(named):  # pylint: disable=redefined-outer-name
    def move_to(*addresses):
        named.resolver.records[HOST] = {"A": list(addresses)}
    server = test_vantages.start(named)
    fra = make(named, server, "fra-1")
    wait_addresses(fra, "192.0.2.1")
    move_to("192.0.2.2")
    wait_addresses(fra, "192.0.2.2")
    fra.close()
    fra.hello(list=fra.mark)
    fra.hear("same")
    move_to("192.0.2.3")
    wait_addresses(fra, "192.0.2.3")
    named.topology["endpoints"]["more"] = {"az": "us-east-1a", "addresses": "192.0.2.9", "checks": "web"}
    named.write()
    reload(server, fra, "change")
    assert fra.whole == 1
    wait_addresses(fra, "192.0.2.3")
    move_to("192.0.2.4", "192.0.2.5")
    wait_addresses(fra, "192.0.2.4", "192.0.2.5")


def test_addresses_are_told_of_the_list_that_is_in_use(named):  # pylint: disable=redefined-outer-name
    """Who does not take the latest one would look for the name where it was."""
    server = test_vantages.start(named)
    fra = make(named, server, "fra-1")
    wait_addresses(fra, "192.0.2.1")
    before, targets = fra.generation, fra.targets
    named.topology["endpoints"] = {"more": {"az": "us-east-1a", "addresses": "192.0.2.9", "checks": "web"}, **named.topology["endpoints"]}
    named.write()
    assert server.reload().status == 200
    kind, body = fra.hear_any()
    while kind != "listed":
        kind, body = fra.hear_any()
    fra.say("untaken", generation=body["generation"], why="it is too long")
    server.wait(lambda: row(server, "fra-1")["list"]["declined_because"], "it does not take it")
    fra.generation, fra.targets = before, targets
    named.resolver.records[HOST] = {"A": ["192.0.2.2"]}
    wait_addresses(fra, "192.0.2.2")
    assert fra.hear("alive")["generation"] == before


# ---- the vantage's side ----

def tell_change(connection, generation, before, count, checks, parts):
    """parts: ranges of what is kept, and lists of targets."""
    connection.say(mark={"generation": generation, "mark": f"{generation:016x}"})
    connection.say(change={"generation": generation, "from": before, "count": count})
    for index, check in enumerate(checks):
        connection.say(check={"index": index, "definition": check, "files": {}})
    for part in parts:
        if isinstance(part[0], dict):
            connection.say(targets=[{"check": 0, "in_turn": False, "idle": False, **target} for target in part])
        else:
            connection.say(keep={"ranges": part})
    connection.say(listed={"generation": generation})


def test_a_change_of_the_list_in_use(scene):  # noqa: F811  pylint: disable=redefined-outer-name
    good, connection = start_web(scene), start(scene)
    connection.say(mark={"generation": 1, "mark": f"{1:016x}"})
    assert connection.expect("can") == {"change": True}
    bad = kit.new_address()
    connection.list(1, [SLOW], [{"addresses": [good]}, {"addresses": [bad]}])
    connection.expect_opinion(0, "up", 1)
    connection.expect_opinion(1, "down", 1)
    new = {"identity": "00000000000000ff", "name": "new", "addresses": [start_web(scene)], "check": 1}
    tell_change(connection, 2, 1, 3, [HTTP, {**SLOW, "path": "/new"}, SLOW], [[[1, 1, 2]], [new], [[0, 1, 2]]])
    assert connection.expect("taken", lambda taken: taken["generation"] == 2) == {"generation": 2, "refused": []}
    items = connection.expect("opinions", lambda content: content["generation"] == 2 and content["all"])["items"]
    assert [(item[0], item[1]) for item in items][0::2] == [(0, "down"), (2, "up")], "known before they could be checked again"
    connection.expect_opinion(1, "up", 2)
    assert scene.probe.status()["servers"][0]["list"]["targets"] == 3
    assert scene.probe.status()["servers"][0]["connections"] == 1


@pytest.mark.parametrize("before, parts, why", [
    (9, [], "it changes the list 9, which is not in use"),
    (1, [[[1, 1, 0]]], "found 1 targets from 1 on, of 1"),
    (1, [[[0, 1, 1]]], "has a check 1 behind that of before, of 1"),
    (1, [[[0, 1, 0], [0, 1, 0]]], "found more than the 1 that were announced"),
    (1, [], "found 0 targets, expected the 1 that were announced")])
def test_a_change_that_makes_no_sense(scene, before, parts, why):  # noqa: F811  pylint: disable=redefined-outer-name
    good, connection = start_web(scene), start(scene)
    connection.say(mark={"generation": 1, "mark": f"{1:016x}"})
    connection.list(1, [HTTP], [{"addresses": [good]}])
    with contextlib.suppress(OSError):  # it may have closed by then
        tell_change(connection, 2, before, 1, [HTTP], parts)
    assert connection.is_closed()
    scene.probe.wait_log("server lost", why)
    again = scene.server.accept()
    assert again.greet()["list"] == f"{1:016x}", "that one stays in use"
    again.say(same={"generation": 5})
    again.expect_opinion(0, "up", 5)


def test_an_older_server_is_told_nothing_that_it_does_not_know(scene):  # noqa: F811  pylint: disable=redefined-outer-name
    good, connection = start_web(scene), start(scene)
    connection.list(1, [HTTP], [{"addresses": [good]}])
    heard = set()
    while "opinions" not in heard or len(heard) < 2:
        heard.add(connection.hear()[0])
    assert heard <= {"opinions", "alive"}
    connection.close()
    assert "list" not in scene.server.accept().greet()


def test_a_server_that_became_older(scene):  # noqa: F811  pylint: disable=redefined-outer-name
    good, connection = start_web(scene), start(scene)
    connection.say(mark={"generation": 1, "mark": f"{1:016x}"})
    connection.list(1, [HTTP], [{"addresses": [good]}])
    connection.close()
    older = scene.server.accept()
    assert older.expect("hello")["list"] == f"{1:016x}"
    older.close()  # a member that it does not know
    plain = scene.server.accept()
    assert "list" not in plain.greet()
    plain.list(7, [HTTP], [{"addresses": [good]}])
    plain.expect_opinion(0, "up", 7)


def test_what_turns_while_a_list_comes_is_told_at_once(scene):  # noqa: F811  pylint: disable=redefined-outer-name
    good, connection = start_web(scene), start(scene)
    connection.list(1, [HTTP], [{"addresses": [good]}])
    connection.expect_opinion(0, "up", 1)
    connection.say(list={"generation": 2, "count": 1})
    connection.say(check={"index": 0, "definition": HTTP, "files": {}})
    connection.expect("alive")
    scene.webs[0].kill()
    connection.expect_opinion(0, "down", 1)
    connection.say(targets=[{"identity": f"{1:016x}", "check": 0, "name": "x", "in_turn": False, "idle": False, "addresses": [good]}])
    connection.say(listed={"generation": 2})
    connection.expect_opinion(0, "down", 2)
