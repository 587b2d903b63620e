# SPDX-License-Identifier: BSD-3-Clause
"""Nodes of a cluster tell each other what they see: who flips, who does not, and what becomes of it when one of them goes."""
import datetime
import signal

import pytest

import kit
import nodekit
import vantage_client
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from vantage_client import Vantage, invite


@pytest.fixture
def three():
    with nodekit.new_cluster(3) as cluster:
        cluster.start().wait_whole()
        cluster.wait_healthy()
        yield cluster


@pytest.fixture
def calm():
    """For tests in which nothing may flip."""
    with nodekit.new_cluster(3, **nodekit.PATIENT) as cluster:
        cluster.start().wait_whole()
        cluster.wait_healthy()
        yield cluster


def test_two_agree_or_stay():
    with nodekit.new_cluster(2, **nodekit.PATIENT) as two:
        two.start().wait_whole()
        two.wait_healthy()
        before = two.since()
        two.see("us", "ns2")  # half of them is no majority
        two.wait_opinion("us", "ns2", "unhealthy")
        two.wait_answers("us")
        assert two.since() == before
        two.see("us", "ns1", "ns2")
        two.wait_answers("eu")
        two.see("us")
        two.wait_answers("us")


def test_a_majority_flips_all_and_one_alone_none(calm):
    before = calm.since()
    for alone in ("ns1", "ns3"):
        calm.see("us", alone)
        calm.wait_opinion("us", alone, "unhealthy")
        calm.wait_answers("us")
        calm.see("us")
        calm.wait_opinion("us", alone, "healthy")
    assert calm.since() == before, "nothing has flipped in between"
    calm.see("us", "ns1", "ns3")
    calm.wait_answers("eu")  # on ns2, too, which sees it
    calm.wait_opinion("us", "ns2", "healthy")
    calm.see("us")
    calm.wait_answers("us")


def test_what_others_say_is_not_passed_on(three):
    """Two say down, and so it is down on the third one: which goes on to tell the two that it sees it."""
    three.see("us", "ns1", "ns2")
    three.wait_answers("eu")
    for other in ("ns1", "ns2"):
        told = three.row("ns3", other)["node"]["told"]
        three.servers["ns3"].wait(lambda o=other, t=told: three.row("ns3", o)["node"]["told"] > t + 2, "a round of all was told since")
        assert three.opinion(other, "ns3", "us") == "healthy"


@pytest.mark.parametrize("way", ["killed", "stopped", "ended"])
def test_a_node_goes_and_comes(calm, way):
    before = calm.since("ns1", "ns2")
    gone = calm.servers["ns3"]
    calm.see("us", "ns3")
    calm.wait_opinion("us", "ns3", "unhealthy")
    if way == "killed":
        gone.kill()
    elif way == "stopped":
        gone.process.send_signal(signal.SIGSTOP)
    else:
        gone.stop()
    for name in ("ns1", "ns2"):
        calm.servers[name].wait(lambda n=name: not calm.row(n, "ns3")["opinions"]["count"], "it is not heard of any more")
        assert "does not count" in next(line for line in calm.servers[name].ctl("vantages").stdout.splitlines() if "node:ns3" in line)
    calm.wait_answers("us", "ns1", "ns2")
    assert calm.since("ns1", "ns2") == before
    calm.see("us", "ns1", "ns2")  # two of two
    calm.wait_answers("eu", "ns1", "ns2")
    calm.see("us")
    calm.wait_answers("us", "ns1", "ns2")
    if way == "stopped":
        gone.process.send_signal(signal.SIGCONT)
    else:
        calm.start("ns3")
    calm.wait_whole()
    calm.wait_answers("us")
    calm.see("us", "ns2", "ns3")
    calm.wait_answers("eu")


def test_a_node_is_cut_off():
    """It serves what was judged last, whatever it sees; the others go on, and it follows when it is back."""
    with nodekit.new_cluster(3, **nodekit.PATIENT) as three:
        three.wire().start().wait_whole()
        three.wait_healthy()
        before = three.since()
        around = [pair for pair in three.wires if "ns3" in pair]
        three.cut(True, *around)
        for name, other in (("ns1", "ns3"), ("ns2", "ns3"), ("ns3", "ns1"), ("ns3", "ns2")):
            three.servers[name].wait(lambda n=name, o=other: not three.row(n, o)["opinions"]["count"], f"{name} does not hear {other}")
        three.see("us", "ns3")
        three.wait_opinion("us", "ns3", "unhealthy", "ns3")
        three.wait_answers("us")
        assert three.since() == before
        three.see("us", "*")
        three.wait_answers("eu", "ns1", "ns2")
        three.wait_answers("us", "ns3")
        three.cut(False, *around)
        three.wait_answers("eu", "ns3")
        three.wait_whole()
        three.see("us")
        three.wait_answers("us")


def test_a_link_is_cut_one_way(calm):
    """What ns3 tells does not arrive at ns1, which goes by itself and ns2."""
    for server in calm.servers.values():
        server.stop()
    calm.wire().start().wait_whole()
    calm.wait_healthy()
    before = calm.since()
    calm.cut(True, ("ns3", "ns1"))
    calm.servers["ns1"].wait(lambda: not calm.row("ns1", "ns3")["opinions"]["count"], "ns3 is not heard there")
    assert calm.row("ns3", "ns1")["opinions"]["count"], "the other way it is"
    calm.see("us", "ns3")
    calm.wait_opinion("us", "ns3", "unhealthy", "ns2", "ns3")
    calm.wait_answers("us")
    assert calm.since() == before
    calm.see("us", "*")
    calm.wait_answers("eu")
    calm.cut(False, ("ns3", "ns1"))
    calm.wait_whole()
    calm.see("us")
    calm.wait_answers("us")


def test_all_start_anew_in_a_loss(three):
    """What was down is down after a start, too, and comes back by what they all see."""
    three.see("us", "*")
    three.wait_answers("eu")
    for server in three.servers.values():
        server.stop()
    three.start()
    three.wait_whole()
    three.wait_answers("eu")
    three.see("us")
    three.wait_answers("us")


def test_reload_and_takeover_keep_links_and_numbers(calm):
    before = calm.since()
    numbers = {name: calm.row("ns1", name)["number"] for name in ("ns2", "ns3")}
    assert sorted(numbers.values()) == [30, 31]
    links = {name: (calm.row("ns1", name)["connections"], calm.row("ns1", name)["node"]["connections"]) for name in ("ns2", "ns3")}
    calm.sites["ns1"].topology["endpoints"]["new"] = {"az": "us-a", "addresses": ["192.0.2.1"]}
    calm.sites["ns1"].write()
    assert calm.servers["ns1"].reload().status == 200
    calm.wait_whole()
    assert {name: (calm.row("ns1", name)["connections"], calm.row("ns1", name)["node"]["connections"]) for name in ("ns2", "ns3")} == links
    old, _ = take_over(calm.servers["ns1"])
    old.wait(kit.PATIENCE_S)
    calm.wait_whole()
    assert {name: calm.row("ns1", name)["number"] for name in ("ns2", "ns3")} == numbers
    calm.wait_answers("us")
    assert calm.since() == before
    calm.see("us", "ns1", "ns2")
    calm.wait_answers("eu")


def test_peers_change_with_a_reload(three):
    three.introduce("ns1", ["ns2"])
    assert three.servers["ns1"].reload().status == 200
    three.servers["ns1"].wait(lambda: [item["name"] for item in three.servers["ns1"].get("/v1/vantages")["items"]] == ["node:ns2"], "ns3 is gone")
    three.servers["ns3"].wait(lambda: three.row("ns3", "ns1")["node"]["state"] != "connected", "nor may it come")
    three.servers["ns3"].wait(lambda: "not enrolled" in (three.row("ns3", "ns1")["node"]["ended_because"] or ""), "it is told why")
    shown = three.servers["ns3"].ctl("vantages").stdout
    assert "not reached" in next(line for line in shown.splitlines() if "node:ns1" in line)
    three.introduce("ns1")
    assert three.servers["ns1"].reload().status == 200
    three.wait_whole()


def test_what_is_not_checked_there_is_counted():
    with nodekit.new_cluster(2) as two:
        two.sites["ns1"].topology["endpoints"]["more"] = {"az": "us-a", "addresses": [two.us], "checks": ["web"]}
        two.sites["ns1"].topology["checks"]["other"] = {"type": "tcp", "port": kit.WEB_PORT, "interval": "100ms"}
        two.sites["ns1"].topology["endpoints"]["web-eu"]["checks"] = ["other"]
        two.start()
        server = two.servers["ns2"]
        server.wait(lambda: two.row("ns2", "ns1")["node"]["unknown"] == 2 and two.row("ns2", "ns1")["node"]["targets"] == 3, "they are counted")
        assert "2 of 3 unknown here" in server.ctl("vantage", "show", "node:ns1").stdout
        two.wait_opinion("us", "ns2", "healthy", "ns1")
        assert two.opinion("ns1", "ns2", "eu") == "unknown"
        two.wait_answers("us")
        two.endpoints["eu"].close()  # ns1 alone looks at that
        two.wait_answers("us")


def test_a_node_is_named_by_scopes():
    with nodekit.new_cluster(2) as two:
        for site in two.sites.values():
            site.topology["checks"]["web"]["vantages"] = ["node:ns1"]
            site.write()
        two.start()
        two.servers["ns2"].wait(lambda: two.opinion("ns2", "ns1", "us") == "healthy", "ns1 is heard")
        two.wait_answers("us")
        two.see("us", "ns2")
        two.servers["ns2"].wait(lambda: "ns2" in two.endpoints["us"].asked, "it looks")
        two.wait_answers("us")
        two.see("us", "ns1")
        two.wait_answers("eu")  # on both: the one and only that counts says so
        two.see("us")
        two.wait_answers("us")


def test_vantages_and_nodes_together():
    """Two nodes and two vantages: three of the four decide."""
    with nodekit.new_cluster(2, vantages={"expires": "20s"}) as two:
        at = {}
        for name, site in two.sites.items():
            address = kit.new_address()
            at[name] = (address, kit.find_port(address))
            site.server["vantages"]["listen"] = ["%s:%d" % at[name]]
        two.start().wait_whole()
        fleet = []
        for name, server in two.servers.items():
            server.vantages_at = at[name]
            for who in ("fra-1", "sin-1"):
                vantage = Vantage(two.sites[name].folder, server, who)
                two.stack.callback(vantage.close)
                vantage.come(invite(server, who))
                vantage.think({"web-us web ipv4": "up", "web-eu web ipv4": "up"}, everything=True)
                fleet.append(vantage)
        assert vantage_client.row(two.servers["ns1"], "fra-1")["number"] == 1
        two.wait_answers("us")
        two.see("us", "ns1", "ns2")
        two.wait_opinion("us", "ns1", "unhealthy")
        two.wait_opinion("us", "ns2", "unhealthy")
        two.wait_answers("us")
        for vantage in fleet:
            if vantage.name == "fra-1":
                vantage.think({"web-us web ipv4": "down"})
        two.wait_answers("eu")


def test_a_node_without_a_number_gets_one_that_is_free_again():
    with nodekit.new_cluster(2) as two:
        two.introduce("ns1", [])
        two.start("ns1")
        server = two.servers["ns1"]
        for i in range(31):
            invite(server, f"v{i}")
        two.introduce("ns1")
        assert server.reload().status == 200
        assert vantage_client.row(server, "node:ns2") is None
        assert server.request("DELETE", "/v1/vantages/v7").status == 200
        server.wait(lambda: vantage_client.row(server, "node:ns2"), "it has the number that is free")
        two.start("ns2").wait_whole()


def test_who_is_no_peer_is_refused(three):
    """The key of a vantage lets nobody in as a node, and a node's name is no vantage's."""
    server = three.servers["ns1"]
    assert server.request("POST", "/v1/vantages", {"name": "node:ns9"}).status == 422
    server.vantages_at = three.places["ns1"]
    stranger = Vantage(three.sites["ns1"].folder, server, "node-ns2")
    three.stack.callback(stranger.close)
    assert "not enrolled" in stranger.hello()["why"]
    assert server.request("DELETE", "/v1/vantages/node:ns2").status in (404, 422)
    assert three.row("ns1", "ns2")["state"] == "connected"


def test_versions_beside_ours_are_spoken(three):
    server = three.servers["ns1"]
    server.vantages_at = three.places["ns1"]
    fra = Vantage(three.sites["ns1"].folder, server, "fra-1")
    three.stack.callback(fra.close)
    fra.come(invite(server, "fra-1"))
    assert "version" not in fra.hello(version=2).get("why", "")
    assert "version 3" in fra.hello(version=3)["why"]


def test_failback_by_time_ends_on_all_at_once():
    """Each counts by itself, from the same verdict."""
    with nodekit.new_cluster(3) as three:
        for site in three.sites.values():
            site.topology["regions"]["us"]["failback"] = "8s"
            site.write()
        three.start().wait_whole()
        three.wait_healthy()
        three.see("us", "*")
        three.wait_answers("eu")
        three.see("us")
        three.wait_answers("us")
        ends = [datetime.datetime.fromisoformat(server.get("/v1/regions/us")["since"].replace("Z", "+00:00")) for server in three.servers.values()]
        assert max(ends) - min(ends) < datetime.timedelta(seconds=4), ends
