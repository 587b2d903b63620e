# SPDX-License-Identifier: BSD-3-Clause
"""Three real steerds and a real etcd: what is said on one holds on all before it is answered, no two judge at a time, and
without etcd emergencies hold alone until it is back."""
import copy
import pathlib
import shutil
import threading

import pytest

import clusterkit
import etcdkit
import gatekit
import kit
import takeovers
import vantagekit
from clusterkit import desired, is_problem, order
from takeovers import reaper  # noqa: F401

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")


@pytest.fixture
def cluster():
    with clusterkit.new_cluster() as made:
        made.start().wait_fresh()
        yield made


def test_an_order_holds_on_all_before_it_is_answered(cluster):
    one, two, three = cluster.list()
    reply = order(two, "regions/us-east", "drain")
    assert reply.status == 200, reply
    assert reply.json["cluster"]["provisional"] is False
    assert (sorted(reply.json["cluster"]["in_force_on"]), reply.json["cluster"]["waiting_for"]) == (["ns1", "ns2", "ns3"], [])
    for node in one, two, three:
        assert desired(node) == "drain"
    override = one.get("/v1/regions/us-east")["override"]
    assert override["reason"] == "a test" and override["actor"] == two.get("/v1/regions/us-east")["override"]["actor"]
    removed = three.request("DELETE", "/v1/regions/us-east/override?reason=over")
    assert removed.status == 200 and removed.json["cluster"]["seq"] == reply.json["cluster"]["seq"] + 1
    assert [desired(node) for node in (one, two, three)] == [None, None, None]
    cluster.wait_same()


def test_what_holds_is_in_each_store(cluster):
    one, two, three = cluster.list()
    assert order(one, "azs/us-east-1a", "down", expires_in="1h").status == 200
    for node in two, three:
        entry = next(item for item in node.get("/v1/journal?kind=override")["items"] if item["key"] == "az:us-east-1a")
        assert entry["after"]["state"] == "down" and entry["reason"] == "a test"
    cluster.etcd.members[0].kill()  # from here on each has only what it has
    three.stop()
    three.start()
    assert desired(three, "azs/us-east-1a") == "down"


def test_two_orders_are_never_judged_at_once():
    """Of two drains of both regions of a pair, at two nodes at the same time, exactly one is accepted."""
    with clusterkit.new_cluster(2) as cluster:
        cluster.topology["rules"] = {"pair": {"type": "not_all_of", "targets": ["region:us-east", "region:eu-west"]}}
        one, two = cluster.start().wait_fresh().list()
        for _ in range(5):
            replies = {}

            def drain(node, region, replies=replies):
                replies[region] = node.request("PUT", f"/v1/regions/{region}/override", {"state": "drain", "reason": "a test"})
            threads = [threading.Thread(target=drain, args=pair) for pair in ((one, "us-east"), (two, "eu-west"))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(reply.status for reply in replies.values()) == [200, 409], replies
            (drained,) = [region for region, reply in replies.items() if reply.status == 200]
            for node in one, two:
                assert [desired(node, f"regions/{region}") for region in (drained, ({"us-east", "eu-west"} - {drained}).pop())] == ["drain", None]
            assert one.request("DELETE", f"/v1/regions/{drained}/override").status == 200


def test_a_node_that_was_away_catches_up(cluster):
    one, two, three = cluster.list()
    three.stop()
    for number in range(5):
        assert order(one, f"azs/{'us-east-1a' if number % 2 else 'eu-west-1a'}", "drain", share=10 + number, ttl=number).status == 200
    assert two.request("DELETE", "/v1/azs/us-east-1a/override").status == 200
    three.start()
    cluster.wait_phase("ns3", "following")
    assert desired(three, "azs/us-east-1a") is None
    override = three.get("/v1/azs/eu-west-1a")["override"]
    assert (override["share"], override["ttl"]) == (14, 4)
    cluster.wait_same()


def read_start(node):
    """The log of its latest start."""
    offset = len(node.log_path.read_bytes())
    node.start()
    return node.read_log(offset)


def test_a_restarted_node_answers_by_what_was_ordered_meanwhile(cluster):
    """It waits for etcd's head for a moment; and without etcd it answers all the same."""
    first, other = cluster.nodes["ns1"], cluster.nodes["ns2"]
    west = {address for az, address in cluster.at.items() if "eu-west" in az}
    other.kill()
    assert order(first, "regions/us-east", "down").status == 200
    log = read_start(other)
    assert 0 <= log.find("order of a node") < log.find("steerd answers queries"), log
    assert set(other.sample("www.example.com")) <= west and "cluster not heard" not in log
    other.kill()
    cluster.etcd.members[0].kill()
    log = read_start(other)
    assert 0 <= log.find("cluster not heard") < log.find("steerd answers queries"), log
    assert set(other.sample("www.example.com")) <= west


def test_without_etcd_orders_wait_and_emergencies_do_not(cluster):
    one, two, _ = cluster.list()
    cluster.etcd.members[0].kill()
    for name in cluster.nodes:
        cluster.wait_phase(name, "away")
    assert is_problem(order(one, "regions/us-east", "drain"), 503, "cluster-unreachable")
    assert is_problem(one.request("POST", "/v1/tokens", {"name": "late", "role": "viewer"}), 503, "cluster-unreachable")
    assert desired(one) is None
    reply = order(one, "regions/us-east", "drain", emergency=True)
    assert reply.status == 200 and reply.json["cluster"] == {"seq": None, "in_force_on": ["ns1"], "waiting_for": ["ns2", "ns3"], "provisional": True}, reply
    assert desired(one) == "drain" and one.get("/v1/cluster")["pending"] == 1
    assert desired(two) is None
    cluster.etcd.members[0].restart()
    for node in cluster.list():
        node.wait(lambda node=node: desired(node) == "drain", "the drain holds everywhere")
    one.wait(lambda: one.get("/v1/cluster")["pending"] == 0, "nothing is pending")
    cluster.wait_same()
    assert order(two, "regions/us-east", "auto").status == 200


def test_a_provisional_order_outlives_its_process(cluster):
    one, two, _ = cluster.list()
    cluster.etcd.members[0].kill()
    cluster.wait_phase("ns1", "away")
    assert order(one, "regions/us-east", "down", emergency=True).status == 200
    one.kill()
    one.start()
    assert desired(one) == "down"
    cluster.etcd.members[0].restart()
    two.wait(lambda: desired(two) == "down", "the order holds there")
    one.wait(lambda: one.get("/v1/cluster")["pending"] == 0, "nothing is pending")


def test_a_token_made_on_one_is_good_on_all(cluster):
    one, two, three = cluster.list()
    assert one.request("POST", "/v1/tokens", {"name": "alice", "role": "operator"}).status == 201
    for node in two, three:
        assert [item["name"] for item in node.get("/v1/tokens")["items"]] == ["alice"]
    assert is_problem(two.request("POST", "/v1/tokens", {"name": "alice", "role": "viewer"}), 409, "conflict")
    assert three.request("DELETE", "/v1/tokens/alice").status == 200
    assert [node.get("/v1/tokens")["items"] for node in (one, two)] == [[], []]


def test_that_a_token_was_used_is_no_order():
    """It would be written over what another node has made of the token by then."""
    with clusterkit.new_cluster(2) as cluster:
        site = cluster.sites["ns2"]
        pki = gatekit.make_pki(site)
        at = gatekit.listen(site, pki)
        one, two = cluster.start().wait_fresh().list()
        made = one.request("POST", "/v1/tokens", {"name": "alice", "role": "operator"})
        seq = made.json["cluster"]["seq"]
        assert gatekit.Remote(at, pki, token=made.json["secret"]).request("GET", "/v1/status").status == 200
        two.wait(lambda: any(entry["reason"] == "it was used" for entry in two.get("/v1/journal?kind=token")["items"]), "it is written down")
        assert two.get("/v1/tokens")["items"][0]["used"] is not None
        assert one.request("DELETE", "/v1/tokens/alice").json["cluster"]["seq"] == seq + 1
        assert gatekit.Remote(at, pki, token=made.json["secret"]).request("GET", "/v1/status").status == 401
        assert [entry["reason"] for entry in one.get("/v1/journal?kind=token")["items"]].count("it was used") == 0


def test_a_new_node_takes_what_there_is(cluster):
    one = cluster.list()[0]
    assert order(one, "regions/us-east", "drain").status == 200
    assert one.request("POST", "/v1/tokens", {"name": "alice", "role": "operator"}).status == 201
    cluster.add("ns4")
    cluster.start("ns4")
    four = cluster.nodes["ns4"]
    four.wait(lambda: desired(four) == "drain", "it has the override")
    assert [item["name"] for item in four.get("/v1/tokens")["items"]] == ["alice"]


def test_a_takeover_goes_on_as_the_same_node(cluster):
    one, two, _ = cluster.list()
    assert order(one, "regions/us-east", "drain").status == 200
    takeovers.take_over(one)
    cluster.wait_phase("ns1", "following")
    assert order(two, "regions/us-east", "auto").status == 200
    assert desired(one) is None
    assert order(one, "azs/eu-west-1a", "drain").json["cluster"]["provisional"] is False
    assert desired(two, "azs/eu-west-1a") == "drain"


def test_a_node_that_was_by_itself_for_a_while_takes_what_the_others_have_when_it_may(cluster):
    """What it was ordered meanwhile would go: so it asks first, also when it is started anew."""
    one, two, _ = cluster.list()
    assert order(one, "regions/us-east", "drain").status == 200
    own = cluster.sites["ns2"].server.pop("cluster")
    cluster.sites["ns2"].write()
    assert two.request("POST", "/v1/reload").status == 200
    two.wait(lambda: "position forgotten" in two.read_log(), "it is no node any more")
    assert order(two, "regions/us-east", "auto").status == 200 and order(two, "azs/eu-west-1a", "drain").status == 200
    assert order(one, "azs/us-east-1a", "drain").status == 200
    cluster.sites["ns2"].server["cluster"] = own
    cluster.sites["ns2"].write()
    assert two.request("POST", "/v1/reload").status == 200
    two.wait(lambda: two.request("GET", "/v1/cluster").status == 200, "it is a node again")
    cluster.wait_phase("ns2", "estranged")
    two.stop()
    two.start()
    cluster.wait_phase("ns2", "estranged")
    assert "would end 1 override of this server" in two.get("/v1/cluster")["why"] and "cluster adopt" in two.ctl("cluster").stdout
    assert [desired(two), desired(two, "azs/us-east-1a"), desired(two, "azs/eu-west-1a")] == [None, None, "drain"]
    assert is_problem(order(two, "azs/eu-west-1b", "drain"), 409, "cluster-estranged") and desired(one, "azs/eu-west-1a") is None
    two.ctl("cluster", "adopt", "--yes")
    cluster.wait_phase("ns2", "following")
    two.wait(lambda: [desired(two), desired(two, "azs/us-east-1a"), desired(two, "azs/eu-west-1a")] == ["drain", "drain", None], "it has what the others have")
    assert order(two, "azs/eu-west-1a", "drain").status == 200 and desired(one, "azs/eu-west-1a") == "drain"


@pytest.mark.parametrize("change", [{"weight": 7}, {"capacity": 7}, {"addresses": ["192.0.2.77"]}], ids=lambda change: next(iter(change)))
def test_a_node_that_was_loaded_with_something_else_is_told(change):
    with clusterkit.new_cluster(2) as cluster:
        site = cluster.sites["ns2"]
        site.topology = copy.deepcopy(site.topology)
        next(iter(site.topology["endpoints"].values())).update(change)
        one, _ = cluster.start().wait_fresh().list()
        one.wait(lambda: [item["same_configuration"] for item in one.get("/v1/nodes")["items"]] == [True, False], "ns2 differs")


def test_nodes_see_each_other_come_and_go(cluster):
    one, _, three = cluster.list()
    names = {item["name"]: item for item in one.get("/v1/nodes")["items"]}
    assert set(names) == {"ns1", "ns2", "ns3"} and names["ns1"]["self"]
    assert all(item["same_configuration"] for item in names.values())
    three.kill()
    one.wait(lambda: not next(item for item in one.get("/v1/nodes")["items"] if item["name"] == "ns3")["fresh"], "ns3 is gone")
    assert 'steerd_cluster_nodes_fresh 2' in one.request("GET", "/metrics").body.decode()
    reply = order(one, "regions/us-east", "drain")
    assert reply.status == 200 and sorted(reply.json["cluster"]["in_force_on"]) == ["ns1", "ns2"]
    assert "ns3" in one.ctl("nodes").stdout and "following" in one.ctl("cluster").stdout


def find_nodes(node):
    return {item["name"]: item["state"] for item in node.get("/v1/vantages")["items"] if item["name"].startswith("node:")}


def test_nodes_find_each_other_through_etcd_and_stay_together_without_it():
    """Where each listens, and what it shows there, is told by etcd; the links are their own."""
    with clusterkit.new_cluster(has_links=True) as cluster:
        cluster.start().wait_fresh()
        names = set(cluster.nodes)

        def are_linked(name, node):
            return find_nodes(node) == {f"node:{other}": "connected" for other in names - {name}}
        for name, node in cluster.nodes.items():
            node.wait(lambda name=name, node=node: are_linked(name, node), f"{name} is linked with all")
        assert all(item["fingerprint"] and item["listen"] for item in cluster.nodes["ns1"].get("/v1/nodes")["items"])
        cluster.etcd.members[0].kill()
        for name, node in cluster.nodes.items():
            cluster.wait_phase(name, "away")
            assert are_linked(name, node)


def test_a_vantage_is_let_in_at_each_node():
    """Who it is they share, so it has one key for all of them."""
    with clusterkit.new_cluster(2) as cluster:
        for site in cluster.sites.values():
            address = kit.new_address()
            site.place = f"{address}:{kit.find_port(address)}"
            site.server["vantages"] = {"listen": site.place}
        nodes = cluster.start().wait_fresh().list()
        probe = vantagekit.Probe(nodes[0].site.folder / "fra-1")
        cluster.stack.callback(probe.close)
        for node in nodes:
            probe.enrol(node.ctl_json("vantage", "enrol", "fra-1")["token"], node.site.place)
        probe.start()
        for node in nodes:
            node.wait(lambda node=node: node.get("/v1/vantages/fra-1")["state"] == "connected", "it is heard")
        # A key that is exchanged at the one is good for the other as well.
        for node in nodes:
            vantagekit.run_probe("forget", node.site.place, "--state", probe.folder)
        for node in nodes:
            probe.enrol(node.ctl_json("vantage", "enrol", "fra-1")["token"], node.site.place)
        prints = [node.get("/v1/vantages/fra-1")["fingerprint"] for node in nodes]
        assert prints[0] == prints[1], prints
        for node in nodes:
            node.wait(lambda node=node: node.get("/v1/vantages/fra-1")["state"] == "connected", "it is heard again")


def test_nodes_that_show_the_same_certificate_are_told_apart_by_their_names():
    """Hosts that were copied, or are given one key by who sets them up."""
    with clusterkit.new_cluster(has_links=True) as cluster:
        cluster.start("ns1")
        key = next(pathlib.Path(cluster.sites["ns1"].folder).rglob("vantages.pem"))
        for name in ("ns2", "ns3"):
            to = pathlib.Path(cluster.sites[name].folder) / key.relative_to(cluster.sites["ns1"].folder)
            to.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copy2(key, to)
        cluster.start("ns2", "ns3").wait_fresh()
        for name, node in cluster.nodes.items():
            wanted = {f"node:{other}": "connected" for other in set(cluster.nodes) - {name}}
            node.wait(lambda node=node, wanted=wanted: find_nodes(node) == wanted, f"{name} is linked with each of the others")


def test_an_emptied_etcd_is_refilled(cluster):
    one, two, _ = cluster.list()
    assert order(one, "regions/us-east", "drain").status == 200
    cluster.etcd.members[0].empty()
    cluster.etcd.wait()
    for name in cluster.nodes:
        cluster.wait_phase(name, "estranged")
    assert is_problem(order(two, "azs/us-east-1a", "drain"), 409, "cluster-estranged")
    assert desired(two) == "drain"
    one.ctl("cluster", "refill", "--yes")
    for name in cluster.nodes:
        cluster.wait_phase(name, "following")
    assert order(two, "azs/us-east-1a", "drain").status == 200
    assert [desired(node) for node in cluster.list()] == ["drain"] * 3


def test_a_server_by_itself_has_no_nodes(pair):
    assert is_problem(pair.server.request("GET", "/v1/nodes"), 404, "not-found")
    assert "cluster" not in order(pair.server, "regions/us-east", "drain").json
