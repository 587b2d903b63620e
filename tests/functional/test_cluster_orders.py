# SPDX-License-Identifier: BSD-3-Clause
"""Orders of a cluster on their way: hooks that take their time hold up nobody, what was judged on something that does not hold any
more is judged again or taken back, and an answer tells of its own order only."""
import contextlib
import datetime
import json
import os
import pathlib
import signal
import threading
import time

import pytest

import clusterkit
import etcdkit
import kit
from clusterkit import desired, is_problem, order
from test_clock import Clock
from test_cluster_conflicts import find_worker

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")
MOVE = {"source": ["region:us-east"], "to": "eu-west", "execute": True, "reason": "a test", "actor": "ann"}
PAIR = {"pair": {"type": "not_all_of", "targets": ["region:us-east", "region:eu-west"]}}


class Asking:
    """A request whose answer takes its time."""

    def __init__(self, node, method, path, body):
        self.reply = None
        self.thread = threading.Thread(target=self.run, args=(node, method, path, body))
        self.thread.start()

    def run(self, node, method, path, body):
        try:
            self.reply = node.request(method, path, body)
        except OSError:  # it was killed
            pass

    def end(self):
        self.thread.join(60)
        return self.reply


def add_hook(cluster, name):
    """One that waits on that node for the file `go`, and exits with what is in it."""
    folder = pathlib.Path(cluster.sites[name].folder)
    path = folder / "waits.sh"
    path.write_text(f"#!/bin/sh\ncd {folder}\necho x >> asked\nwhile [ ! -f go ]; do sleep 0.02; done\nexit $(cat go)\n")
    path.chmod(0o755)
    cluster.sites[name].server["hooks"] = [{"name": "waits", "command": [str(path)], "on": ["switchover"], "when": "before", "timeout": "5m"}]
    return folder


def let_go(folder, code=0):
    part = folder / "go.part"
    part.write_text(str(code))
    part.rename(folder / "go")


@pytest.fixture
def cluster():
    """Two, of which ns2 has a hook; a rule keeps one of both regions."""
    with clusterkit.new_cluster(2) as made:
        made.topology["rules"] = PAIR
        made.hook = add_hook(made, "ns2")
        made.start().wait_fresh().report_all()
        yield made


def begin(cluster):
    """A switchover at ns2, whose hook runs by then."""
    one, two = cluster.list()
    asking = Asking(two, "POST", "/v1/switchovers", MOVE)
    two.wait((cluster.hook / "asked").exists, "the hook runs")
    (made,) = one.wait(lambda: one.get("/v1/switchovers")["items"], "the other node has it")
    assert made["hooks_before"] == "execute"
    return asking, made["id"]


def test_while_hooks_run_others_order(cluster):
    one, two = cluster.list()
    asking, made = begin(cluster)
    for node in one, two:
        for state in "drain", "auto":
            reply = order(node, "azs/us-east-1a", state, share=10) if state == "drain" else order(node, "azs/us-east-1a", state)
            assert reply.status == 200, reply
    let_go(cluster.hook)
    reply = asking.end()
    assert reply.status == 201 and reply.json["state"] == "moved", reply
    assert json.loads(cluster.etcd.get(f"/steerd/prod/entry/{reply.json['cluster']['seq']:020}"))["ops"][0]["key"] == made
    for node in one, two:
        assert desired(node) == "drain" and node.get(f"/v1/switchovers/{made}")["hooks_before"] is None


def test_after_hooks_it_is_judged_on_what_holds_then(cluster):
    one, two = cluster.list()
    asking, made = begin(cluster)
    assert order(one, "regions/eu-west", "drain").status == 200
    let_go(cluster.hook)
    reply = asking.end()
    assert reply.status == 409, reply
    for node in one, two:
        node.wait(lambda node=node: node.get(f"/v1/switchovers/{made}")["hooks_before"] is None, "that is told everywhere")
        assert (desired(node), desired(node, "regions/eu-west")) == (None, "drain")
        assert node.get(f"/v1/switchovers/{made}")["state"] == "planned"


def test_hooks_that_are_against_it_are_heard_everywhere(cluster):
    one, two = cluster.list()
    asking, made = begin(cluster)
    let_go(cluster.hook, 1)
    assert is_problem(asking.end(), 409, "hook")
    for node in one, two:
        node.wait(lambda node=node: node.get(f"/v1/switchovers/{made}")["notes"][-1]["what"] == "stopped", "that is told everywhere")
    assert order(one, "regions/us-east", "drain").status == 200


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_node_that_dies_with_its_hooks_leaves_none_behind(cluster, comes_back):
    one, two = cluster.list()
    asking, made = begin(cluster)
    two.kill()
    asking.end()
    if comes_back:
        two.start()
    for node in (one, two) if comes_back else (one,):
        node.wait(lambda node=node: node.get(f"/v1/switchovers/{made}")["hooks_before"] is None, "nobody waits for its hooks")
        assert node.get(f"/v1/switchovers/{made}")["notes"][-1]["what"] == "interrupted"
    assert one.request("POST", f"/v1/switchovers/{made}:execute", {"reason": "again", "actor": "ann"}).status == 200
    assert desired(one) == "drain"


def find_link(node):
    """The process that speaks to etcd for it."""
    def look():
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                head, _, rest = path.read_text(encoding="utf-8", errors="replace").rpartition(")")
            except OSError:
                continue
            if int(rest.split()[1]) == node.process.pid and "steerd-etcd" in head:
                return int(path.parent.name)
        return None
    return kit.wait_for(look, "steerd-etcd runs")


@contextlib.contextmanager
def deaf(node):
    """Etcd is not heard of there: what speaks to it stands still, unless the node gives up and starts another one."""
    link = find_link(node)
    os.kill(link, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(link, signal.SIGCONT)


def wait_almost_due(switchover):
    """Until a second before its next step: who hears nothing of etcd for two gives the work away."""
    due = datetime.datetime.fromisoformat(switchover["next_step"]).timestamp()
    time.sleep(max(0, due - 1 - time.time()))


def test_a_step_is_not_taken_on_what_does_not_hold_any_more():
    """The destination is drained elsewhere while who leads the switchover cannot hear of it, and its step is due."""
    with clusterkit.new_cluster(2, acknowledge="local") as cluster:
        cluster.topology["rules"] = PAIR
        cluster.start().wait_fresh().report_all()
        worker = cluster.nodes[find_worker(cluster)]
        (other,) = [node for node in cluster.list() if node is not worker]
        reply = other.request("POST", "/v1/switchovers", {**MOVE, "steps": [50], "each": "4s"})
        assert reply.status == 201, reply
        path = f"/v1/switchovers/{reply.json['id']}"
        worker.wait(lambda: worker.get(path)["share"] == 50, "it has begun")
        wait_almost_due(worker.get(path))
        with deaf(worker):
            assert order(other, "regions/eu-west", "down").status == 200
            worker.wait(lambda: worker.get(path)["share"] == 100, "the step is in force there")
        for node in worker, other:
            node.wait(lambda node=node: node.get(path)["held"], "it is held")
            assert node.get(path)["share"] == 50 and node.get("/v1/regions/us-east")["override"]["share"] == 50
        for node in worker, other:
            assert node.get("/v1/cluster")["pending"] == 0
        assert order(other, "regions/eu-west", "auto").status == 200
        for node in worker, other:
            node.wait(lambda node=node: node.get(path)["state"] == "moved", "it goes on")


@pytest.mark.skipif(not etcdkit.CLIENT.exists(), reason="the client of etcd was not built")
def test_a_switchover_that_loses_its_turn_is_taken_back():
    """Somebody takes the turn away as soon as it is there. What was answered with yes is on all nodes, the rest on none, and
    nothing waits to be told later."""
    with clusterkit.new_cluster(2) as cluster, etcdkit.Client(cluster.etcd) as client:
        cluster.start().wait_fresh().report_all()
        one, two = cluster.list()
        watch, over, taken, made = client.watch("/steerd/prod/turn"), threading.Event(), 0, []

        def take_away():
            seen = 0
            while not over.is_set():
                told = client.told(watch, "changed")
                if len(told) == seen:
                    over.wait(0.0005)
                elif any(change.get("value") for change in told[seen:][-1]["changes"]):
                    client.ask("delete", "/steerd/prod/turn")
                seen = len(told)
        thread = threading.Thread(target=take_away)
        thread.start()
        try:
            for _ in range(40):
                reply = one.request("POST", "/v1/switchovers", MOVE)
                assert reply.status in (201, 503), reply
                if reply.status == 201:
                    made.append(reply.json["id"])
                    path = f"/v1/switchovers/{made[-1]}:rollback"
                    one.wait(lambda path=path: one.request("POST", path, {"reason": "a test", "actor": "ann"}).status == 200, "it is rolled back")
                elif "taken back" in reply.json["detail"]:
                    taken += 1
                if taken == 3:
                    break
        finally:
            over.set()
            thread.join()
        assert taken != 0
        for node in one, two:
            node.wait(lambda node=node: node.get("/v1/cluster")["phase"] == "following", "it follows")
            assert sorted(item["id"] for item in node.get("/v1/switchovers")["items"]) == sorted(made)
            assert node.get("/v1/cluster")["pending"] == 0
        cluster.wait_same()


def test_an_answer_tells_the_entry_of_its_own_order():
    """Two at once without the turn, which somebody has who does not give it back."""
    with clusterkit.new_cluster(2) as cluster:
        one, _ = cluster.start().wait_fresh().list()
        cluster.etcd.ctl("put", "/steerd/prod/turn", '{"node":"ns9","run":"0000000000000009","take":1}')
        one.wait(lambda: one.get("/v1/cluster")["turn"] == "ns9", "somebody has the turn")
        askings = {target: Asking(one, "PUT", f"/v1/{target}/override", {"state": "drain", "reason": "a test", "emergency": True})
                   for target in ("azs/us-east-1a", "azs/eu-west-1a", "azs/eu-west-1b")}
        for target, asking in askings.items():
            reply = asking.end()
            assert reply.status == 200 and not reply.json["cluster"]["provisional"], reply
            entry = json.loads(cluster.etcd.get(f"/steerd/prod/entry/{reply.json['cluster']['seq']:020}"))
            assert [op["key"] for op in entry["ops"]] == [target.replace("azs/", "az:")]
        cluster.etcd.ctl("del", "/steerd/prod/turn")


def test_an_order_without_an_answer_is_the_same_everywhere_after_a_crash():
    """Whether etcd has it or not: who starts again has what the others have."""
    with clusterkit.new_cluster(2) as cluster:
        one, two = cluster.start().wait_fresh().list()
        for number in range(3):
            target = ("azs/us-east-1a", "azs/eu-west-1a", "azs/eu-west-1b")[number]
            member = cluster.etcd.members[0]
            member.stop()
            asking = Asking(one, "PUT", f"/v1/{target}/override", {"state": "drain", "reason": "a test", "allow_unserved": True})
            if number != 0:
                reply = asking.end()
                assert reply.status == 503, reply
            one.kill()
            asking.end()
            member.go_on()
            one.start()
            cluster.wait_phase("ns1", "following")
            cluster.wait_phase("ns2", "following")
            cluster.wait_same()
            assert desired(one, target) == desired(two, target)
            assert one.get("/v1/cluster")["pending"] == two.get("/v1/cluster")["pending"] == 0


def get_tag(node, path):
    """Without the hash of what is shown beside it."""
    reply = node.request("GET", path)
    assert reply.status == 200, reply
    return '"' + reply.headers["ETag"].strip('"').partition("-")[0] + '"'


def test_a_tag_that_one_node_gave_is_good_on_the_others():
    """Of what all share; also after a restart."""
    with clusterkit.new_cluster(2) as cluster:
        for site in cluster.sites.values():
            address = kit.new_address()
            site.server["vantages"] = {"listen": [f"{address}:{kit.find_port(address)}"]}
        one, two = cluster.start().wait_fresh().report_all() or cluster.list()
        assert order(one, "azs/us-east-1a", "drain", share=10, expires_in="1h").status == 200
        made = two.request("POST", "/v1/switchovers", {**MOVE, "execute": False}).json["id"]
        assert one.request("POST", "/v1/tokens", {"name": "robot", "role": "viewer", "reason": "a test"}).status == 201
        assert two.request("POST", "/v1/vantages", {"name": "far", "reason": "a test"}).status == 201
        paths = "/v1/azs/us-east-1a/override", f"/v1/switchovers/{made}", "/v1/tokens/robot", "/v1/vantages/far"
        tags = {path: get_tag(one, path) for path in paths}
        assert len(set(tags.values())) == len(paths) and {path: get_tag(two, path) for path in paths} == tags
        two.stop()
        two.start()
        cluster.wait_phase("ns2", "following")
        assert {path: get_tag(two, path) for path in paths} == tags
        change = {"state": "drain", "share": 20, "reason": "a test", "allow_unserved": True}
        tag = {"If-Match": tags[paths[0]]}
        assert two.request("PUT", paths[0], change, tag).status == 200
        assert is_problem(one.request("PUT", paths[0], change, tag), 412, "precondition-failed")
        assert one.request("PUT", paths[0], change, {"If-Match": get_tag(two, paths[0])}).status == 200
        assert two.request("DELETE", f"{paths[2]}?reason=over", headers={"If-Match": tags[paths[2]]}).status == 200


def test_a_clock_that_is_wrong_is_told():
    """An order until a time is over where the clock says so; and both nodes say that their clocks differ."""
    with clusterkit.new_cluster(2) as cluster:
        clock = Clock(cluster.sites["ns2"])
        one, two = cluster.start().wait_fresh().list()

        def count(node):
            return next(line for line in node.request("GET", "/metrics").body.decode().splitlines() if line.startswith("steerd_cluster_nodes_other_clock "))[-1]

        def find_ahead(node):
            return next(item["clock_ahead_ms"] for item in node.get("/v1/nodes")["items"] if not item["self"])
        assert [count(node) for node in (one, two)] == ["0", "0"]
        clock.set(two, 300)
        one.wait(lambda: 290000 < find_ahead(one) < 310000, "ns2 is ahead for ns1")
        two.wait(lambda: -310000 < find_ahead(two) < -290000, "ns1 is behind for ns2")
        for node in one, two:
            node.wait(lambda node=node: count(node) == "1", "it is counted")
            node.wait_log("cluster differs", "what=clock")
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=2)
        assert order(one, "azs/us-east-1a", "drain", expires=until.isoformat(timespec="seconds")).status == 200
        assert order(one, "azs/us-east-1b", "drain", expires_in="2m").status == 200
        assert (desired(one, "azs/us-east-1a"), desired(two, "azs/us-east-1a")) == ("drain", None)
        assert (desired(one, "azs/us-east-1b"), desired(two, "azs/us-east-1b")) == ("drain", "drain"), "a length is one everywhere"
        clock.set(two, -300)
        for node in one, two:
            node.wait(lambda node=node: count(node) == "0", "they agree again")
            node.wait_log("cluster agrees", "what=clock")


LIVE = {"mode": "live", "lose": ["region:us-east"], "reason": "game day", "actor": "ann", "confirm": "us-east", "failure": "refused", "duration": "30m",
        "canary": 1, "accept": []}


def test_one_live_drill_at_a_time_on_all_nodes():
    with clusterkit.new_cluster(2) as cluster:
        cluster.start().wait_fresh().report_all()
        one, two = cluster.list()
        body = {name: value for name, value in LIVE.items() if name != "accept"}
        looked = one.request("POST", "/v1/drills?dry_run=true", body)
        assert looked.status == 200, looked
        body["accept"] = [finding["finding"] for finding in looked.json["look"]["findings"] if not finding["good"]]
        begun = one.request("POST", "/v1/drills", body)
        assert begun.status == 201 and begun.json["cluster"]["in_force_on"], begun
        refused = two.request("POST", "/v1/drills", body)
        assert refused.status == 409 and "node ns1 runs a live drill" in refused.json["detail"], refused
        assert one.request("DELETE", "/v1/drills/" + begun.json["id"]).status == 200
        two.wait(lambda: two.request("POST", "/v1/drills?dry_run=true", body).json["obstacle"] is None, "it is over for the other one as well")
        assert two.request("POST", "/v1/drills", body).status == 201
        assert is_drilled(one, body)
        two.kill()
        assert is_drilled(one, body)
        two.start()
        one.wait(lambda: not is_drilled(one, body), "who starts anew does not go on with it")


def test_a_live_drill_of_another_node_is_known_from_a_store_that_is_read_late():
    """Neither etcd nor its own store tell ns2 at its start that ns1 runs one; the store does when it can be read again."""
    with clusterkit.new_cluster(2) as cluster:
        cluster.start().wait_fresh().report_all()
        one, two = cluster.list()
        body = {name: value for name, value in LIVE.items() if name != "accept"}
        looked = one.request("POST", "/v1/drills?dry_run=true", body).json["look"]
        body["accept"] = [finding["finding"] for finding in looked["findings"] if not finding["good"]]
        assert one.request("POST", "/v1/drills", body).status == 201
        assert "node ns1 runs a live drill" in find_obstacle(two, body)
        two.kill()
        cluster.etcd.members[0].kill()
        put_back = cluster.sites["ns2"].hide_store()
        two.start()
        assert find_obstacle(two, body) is None, "nothing says so yet"
        put_back()
        two.wait(lambda: "node ns1 runs a live drill" in (find_obstacle(two, body) or ""), "its own store says so")


def find_obstacle(node, body):
    return node.request("POST", "/v1/drills?dry_run=true", body).json["obstacle"]


def is_drilled(node, body):
    return node.request("POST", "/v1/drills?dry_run=true", body).json["obstacle"] is not None
