# SPDX-License-Identifier: BSD-3-Clause
"""What befalls the etcd of a cluster in its life: it is full, compacted, defragmented, its members and its users are others."""
import contextlib
import json
import os
import signal
import time

import pytest

import clusterkit
import etcdfront
import etcdkit
from clusterkit import desired, is_problem, order

pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")

MANY = 100
FULL = '{"error":"etcdserver: mvcc: database space exceeded","code":8}'


def test_an_order_that_is_written_in_part():
    """Of more objects than one entry has: what the others have of it holds here as well, and the rest is brought later."""
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(etcdkit.Etcd())
        front = stack.enter_context(etcdfront.Front(etcd.urls[0]))
        front.urls = [front.url]
        cluster = clusterkit.Cluster(stack, 2, etcd=etcd)
        for number in range(MANY):
            cluster.topology["endpoints"][f"many-{number:02}"] = {"az": "us-east-1a", "addresses": [f"192.0.2.{number + 1}"]}
        cluster.sites["ns1"].server["cluster"]["etcd"] = front.urls
        one, two = cluster.start().wait_fresh().list()
        entries = []

        def judge(path, body):
            if path != etcdfront.TXN or not any("/entry/" in key for key in etcdfront.puts(body)):
                return None
            entries.append(body)
            return None if len(entries) == 1 else etcdfront.say(FULL, status="429 Too Many Requests")
        front.judge = judge
        lines = "".join(json.dumps({"kind": "override", "key": f"endpoint:many-{number:02}", "value": {"state": "drain"}}) + "\n" for number in range(MANY))
        reply = one.request("POST", "/v1/import?reason=r&allow_unserved=true&without_point=true", lines.encode(), {"Content-Type": "application/jsonl"})
        assert len(entries) > 1, reply
        count = lambda node: sum(desired(node, f"endpoints/many-{number:02}") == "drain" for number in range(MANY))
        two.wait(lambda: 0 < count(two) < MANY, "the first part is in force there")
        assert count(one) == MANY and one.get("/v1/cluster")["pending"] > 0, reply
        front.judge = lambda path, body: None
        two.wait(lambda: count(two) == MANY, "all of it is in force there")
        one.wait(lambda: one.get("/v1/cluster")["pending"] == 0, "nothing is pending")
        cluster.wait_same()


def test_it_is_full():
    """Told by name, with what to do; emergencies hold, and all goes on when there is room again."""
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(etcdkit.Etcd(options=["--quota-backend-bytes", "2000000"]))
        cluster = clusterkit.Cluster(stack, 2, etcd=etcd).start().wait_fresh()
        one, two = cluster.list()
        for number in range(100):
            if etcd.run_ctl("put", "other/key", "x" * 100_000, check=False).returncode != 0:
                break
        assert "NOSPACE" in etcd.ctl("alarm", "list")
        one.wait(lambda: all(word in (one.get("/v1/cluster")["why"] or "") for word in ("space exceeded", "defrag", "alarm disarm")), "it says what to do")
        assert "alarm disarm" in one.ctl("cluster").stdout
        one.wait(lambda: one.get("/v1/cluster")["etcd"]["alarm"] == "NOSPACE", "its alarm is known")
        assert one.get("/v1/cluster")["etcd"]["size"] > 1_000_000
        checked = one.ctl("check", "cluster", code=2).stdout
        assert "CRITICAL: etcd_alarm is 1" in checked and "etcdctl alarm disarm" in checked, checked
        changes = one.read_log().count("cluster phase")
        for share in range(10, 15):
            assert is_problem(order(one, "azs/us-east-1a", "drain", share=share), 503, "cluster-unreachable")
            etcd.ctl("get", "other/key")
        assert one.read_log().count("cluster phase") <= changes + 1, "it is away, and stays so"
        assert is_problem(order(one, "regions/us-east", "drain"), 503, "cluster-unreachable")
        assert order(one, "regions/us-east", "drain", emergency=True).json["cluster"]["provisional"]
        status = json.loads(etcd.ctl("endpoint", "status", "-w", "json"))[0]["Status"]
        etcd.ctl("compaction", status["header"]["revision"])
        etcd.ctl("defrag")
        etcd.ctl("alarm", "disarm")
        two.wait(lambda: desired(two) == "drain", "it is told to the others")
        for name in cluster.nodes:
            cluster.wait_phase(name, "following")
        assert order(two, "regions/us-east", "auto").status == 200
        one.wait(lambda: one.get("/v1/cluster")["etcd"]["alarm"] is None, "the alarm is over")


STATUS = "/v3/maintenance/status"


@pytest.mark.parametrize("quota, size, used", [(1000, 799, None), (1000, 800, 80), (1000, 950, 95), (None, 1717986918, None), (None, 1717986919, 80), (None, None, None)])
def test_it_is_warned_before_it_is_full(quota, size, used):
    """By the quota that etcd says, as 3.6 does, or by the default of one that does not; not at all where nothing is known."""
    said = {"header": {"cluster_id": "1", "member_id": "1", "revision": "1", "raft_term": "1"}, "version": "3.6.0", "dbSize": str(size)}
    if quota:
        said["dbSizeQuota"] = str(quota)
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(etcdkit.Etcd())
        front = stack.enter_context(etcdfront.Front(etcd.urls[0]))
        front.judge = lambda path, body: etcdfront.say(json.dumps(said if size else {"error": "no", "code": 12})) if path == STATUS else None
        cluster = clusterkit.Cluster(stack, 1, etcd=etcd)
        cluster.sites["ns1"].server["cluster"]["etcd"] = [front.url]
        node = cluster.start().nodes["ns1"]
        cluster.report_all()
        node.wait(lambda: front.judged[STATUS] != 0 and node.get("/v1/cluster")["etcd"]["size"] == size, "its size is known")
        assert node.get("/v1/cluster")["etcd"]["quota"] == quota
        checked = node.ctl("check", "etcd_used", code=1 if used else 0 if size else 3).stdout
        assert ("WARNING: etcd_used is" in checked and "etcdctl defrag" in checked) == bool(used), checked
        if used:
            assert f"etcd_used is {used}" in checked, checked


def compact(etcd):
    status = json.loads(etcd.ctl("endpoint", "status", "-w", "json"))[0]["Status"]
    etcd.ctl("compaction", "--physical", status["header"]["revision"])


def test_it_is_compacted_while_a_node_is_away():
    """Its watch cannot go on from where it was: it looks anew."""
    with clusterkit.new_cluster(2) as cluster:
        one, two = cluster.start().wait_fresh().list()
        two.process.send_signal(signal.SIGSTOP)
        for share in range(10, 15):
            assert order(one, "regions/us-east", "drain", share=share).status == 200
        compact(cluster.etcd)
        cluster.etcd.members[0].restart()  # or the answers are on their way already
        cluster.etcd.wait()
        two.process.send_signal(signal.SIGCONT)
        two.wait(lambda: two.get("/v1/regions/us-east")["override"]["share"] == 14, "it has caught up")
        cluster.wait_phase("ns2", "following")
        assert order(two, "regions/us-east", "auto").status == 200
        cluster.wait_same()


def test_it_is_defragmented_and_compacted_all_the_time():
    with clusterkit.new_cluster(2) as cluster:
        one, two = cluster.start().wait_fresh().list()
        for share in range(10, 20):
            compact(cluster.etcd)
            cluster.etcd.ctl("defrag")
            one.wait(lambda share=share: order(one, "regions/us-east", "drain", share=share).status == 200, "an order is taken")
            two.wait(lambda share=share: two.get("/v1/regions/us-east")["override"]["share"] == share, "the other has it")
        cluster.wait_same()


def test_its_members_are_others():
    """One is taken out, the one that is asked, and one that is new comes in its place, at its address."""
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(etcdkit.Etcd(3))
        cluster = clusterkit.Cluster(stack, 2, etcd=etcd).start().wait_fresh()
        one, two = cluster.list()
        for turn in range(2):
            url = one.get("/v1/cluster")["etcd"]["endpoint"]
            gone = next(member for member in etcd.members if member.url == url)
            rest = [member for member in etcd.members if member is not gone]
            etcd.replace(gone, rest)
            one.wait(lambda turn=turn: order(one, "regions/us-east", "drain", share=20 + turn).status == 200, "an order is taken")
            two.wait(lambda turn=turn: two.get("/v1/regions/us-east")["override"]["share"] == 20 + turn, "the other has it")
        cluster.wait_same()


def forget_tokens(*nodes):
    """Nobody uses one for longer than it is good: each use would make it last."""
    pids = [pid for node in nodes for pid in (node.process.pid, etcdkit.find_program(node.process.pid))]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(2.5)
    for pid in reversed(pids):
        os.kill(pid, signal.SIGCONT)


def test_its_users():
    """Tokens end after a second; one who has no right any more is told; and it goes on when he has it again."""
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(etcdkit.Etcd(options=["--auth-token-ttl", "1"]))
        etcd.ctl("user", "add", "root:rootword")
        etcd.ctl("user", "grant-role", "root", "root")
        etcd.ctl("role", "add", "steerd")
        etcd.ctl("role", "grant-permission", "steerd", "--prefix=true", "readwrite", "/steerd/prod/")
        etcd.ctl("user", "add", "ns:word")
        etcd.ctl("user", "grant-role", "ns", "steerd")
        etcd.ctl("auth", "enable")
        etcd.user = "root:rootword"
        cluster = clusterkit.Cluster(stack, 2, etcd=etcd, user="ns", password_file="password")
        for site in cluster.sites.values():
            site.put("password", "word\n")
            (site.folder / "password").chmod(0o600)
        one, two = cluster.start().wait_fresh().list()
        for share in range(10, 13):
            forget_tokens(one, two)
            assert order(one, "regions/us-east", "drain", share=share).status == 200
            two.wait(lambda share=share: two.get("/v1/regions/us-east")["override"]["share"] == share, "the other has it")
        etcd.ctl("user", "revoke-role", "ns", "steerd")
        cluster.wait_phase("ns1", "away")
        one.wait(lambda: "denied" in one.get("/v1/cluster")["why"], "it says why")
        assert is_problem(order(one, "regions/us-east", "auto"), 503, "cluster-unreachable")
        etcd.ctl("user", "grant-role", "ns", "steerd")
        for name in cluster.nodes:
            cluster.wait_phase(name, "following")
        one.wait(lambda: order(one, "regions/us-east", "auto").status == 200, "an order is taken")
        cluster.wait_same()
