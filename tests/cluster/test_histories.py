# SPDX-License-Identifier: BSD-3-Clause
"""Three real nodes and an etcd of three members, six clients that order at the same time, and nodes and members that are killed and stopped
meanwhile. What each was told has to fit into one order (linear.py), which is the one that the entries have."""
import base64
import collections
import contextlib
import json
import math
import os
import random
import signal
import threading
import time

import pytest

import clusterkit
import etcdkit
import gatekit
from linear import (OK, REFUSED, UNKNOWN, UNMET, Denial, Read, Write, check_denials, check_log, check_reads, check_registers, check_visible)

pytestmark = [pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built"),
              pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")]  # a client that fails
TARGETS = {"regions/us-east": "region:us-east", "regions/eu-west": "region:eu-west", "azs/us-east-1a": "az:us-east-1a"}
TOKENS = ("token:alice", "token:bob")
SOURCES = ("spare-1", "spare-2", "spare-3")  # of switchovers; nobody else has orders for them
LEADS_TO = {"execute": "moving", "cancel": "cancelled", "rollback": "rolled_back"}
SECONDS, CLIENTS = float(os.environ.get("HISTORY_SECONDS") or 8), 6


def prepare(cluster):
    """Places that switchovers are about, and a door for those who have a token: by node."""
    spare = [*SOURCES, "spare-0"]
    cluster.topology["regions"]["spare"] = {"azs": {az: {} for az in spare}}
    cluster.topology["endpoints"].update({f"e-{az}": {"az": az, "addresses": [f"198.51.100.{number + 1}"], "checks": []}
                                          for number, az in enumerate(spare)})
    pki = gatekit.make_pki(cluster.sites["ns1"])
    for site in cluster.sites.values():
        names = {az: {"ttl": 5, "endpoints": [f"e-{az}", "e-spare-0"], "tiers": [[az], ["spare-0"]]} for az in SOURCES}
        site.zone("spare.example", "").policy("spare.example", names)
    return pki, {name: gatekit.listen(site, pki) for name, site in cluster.sites.items()}


class History:
    def __init__(self, cluster, seed, pki=None, doors=None):
        self.cluster, self.seed, self.pki, self.doors = cluster, seed, pki, doors
        self.lock, self.over = threading.Lock(), threading.Event()
        self.writes, self.reads, self.denials, self.in_force = [], [], [], {}
        self.runs = collections.Counter()
        self.number, self.faults = 0, []
        self.secrets, self.switchovers = {}, []  # (target, value) -> secret; ids

    def run_of(self, name):
        return f"{name}#{self.runs[name]}"

    def next_value(self):
        with self.lock:
            self.number += 1
            return f"w{self.number}"

    # ---- what a client does ----

    def look(self, name, target, path, find):
        """The value that find() sees in the reply, and that; None: nobody answers."""
        start, run = time.monotonic(), self.run_of(name)
        try:
            reply = self.cluster.nodes[name].request("GET", path)
        except OSError:
            return None, None
        assert reply.status in (200, 404), reply
        value = find(reply.json) if reply.status == 200 else None
        if run == self.run_of(name):
            with self.lock:
                self.reads.append(Read(target, value, run, start, time.monotonic()))
        return value, reply

    def read(self, name, target):
        """The value, and its tag."""
        value, reply = self.look(name, TARGETS[target], f"/v1/{target}/override", lambda found: found["reason"])
        return value, reply and reply.headers.get("ETag")

    def read_token(self, name, target):
        return self.look(name, target, "/v1/tokens", lambda found: next(
            (item["zones"][0].rstrip(".") for item in found["items"] if f"token:{item['name']}" == target), None))

    def read_switchover(self, name, switchover):
        return self.look(name, f"switchover:{switchover}", f"/v1/switchovers/{switchover}", lambda found: found["state"])

    def judge(self, reply, value, may_pend=False):
        """outcome, seq"""
        if reply.status in (200, 201):
            told = reply.json["cluster"]
            if told["provisional"]:
                if not may_pend:
                    self.faults.append(f"an order without emergency is provisional: {value} {told}")
                return UNKNOWN, None
            return OK, told["seq"]
        assert reply.status in (404, 409, 412, 503, 504), reply
        if reply.status == 412:
            return UNMET, None
        is_open = reply.status == 504 or "has not said whether" in reply.json.get("detail", "")
        return (UNKNOWN if is_open else REFUSED), None

    def note(self, write, told):
        with self.lock:
            self.writes.append(write)
            self.in_force[write] = set(told)

    def change(self, name, target, value, ask, **how):
        """ask(): the reply. meets(reply): an outcome that this kind of order has beside the usual ones, and what was expected then."""
        start, run = time.monotonic(), self.run_of(name)
        outcome, seq, told, reply = UNKNOWN, None, (), None
        expected = {"expected": how["expected"]} if "expected" in how else {}
        try:
            reply = ask()
            met = how.get("meets", lambda _: None)(reply)
            if met is not None:
                outcome, expected = met
            else:
                outcome, seq = self.judge(reply, value, how.get("may_pend", False))
                told = reply.json["cluster"]["in_force_on"] if outcome == OK else ()
                if value is None and outcome == OK and seq is None:  # there was none
                    expected = {"expected": None}
        except (ConnectionRefusedError, FileNotFoundError):
            outcome = REFUSED
        except OSError:
            pass
        end = math.inf if outcome == UNKNOWN else time.monotonic()
        self.note(Write(target, value, start, end, outcome, seq=seq, node=run, **expected), told)
        return reply if outcome == OK else None

    def write(self, name, target, value, **condition):
        headers = {"If-Match": condition["tag"]} if condition.get("tag") else {}
        node = self.cluster.nodes[name]

        def ask():
            if value is None:
                return node.request("DELETE", f"/v1/{target}/override", headers=headers)
            return node.request("PUT", f"/v1/{target}/override", {"state": "drain", "reason": value, "allow_unserved": True}, headers)
        expected = {"expected": condition["expected"]} if "expected" in condition else {}
        self.change(name, TARGETS[target], value, ask, **expected,
                    meets=lambda reply: (OK, {"expected": None}) if value is None and reply.status == 404 else None)

    def order_override(self, name, draw):
        target, what = draw.choice(list(TARGETS)), draw.random()
        if what < 0.55:
            self.write(name, target, self.next_value())
        elif what < 0.7:
            self.write(name, target, None)
        else:
            value, tag = self.read(name, target)
            if value and tag:
                self.write(name, target, self.next_value(), tag=tag, expected=value)
        self.read(f"ns{draw.randrange(3) + 1}", target)

    def make_token(self, name, target):
        value = f"{self.next_value()}.example"
        node, body = self.cluster.nodes[name], {"name": target.removeprefix("token:"), "role": "operator", "zones": [value]}
        reply = self.change(name, target, value, lambda: node.request("POST", "/v1/tokens", body), expected=None, meets=lambda reply:
                            (UNMET, {"expected": None}) if clusterkit.is_problem(reply, 409, "conflict") else None)
        if reply is not None:
            with self.lock:
                self.secrets[target, value] = reply.json["secret"]

    def use_token(self, name, target, value):
        start, run = time.monotonic(), self.run_of(name)
        try:
            status = gatekit.Remote(self.doors[name], self.pki, token=self.secrets[target, value]).request("GET", "/v1/status").status
        except OSError:
            return
        if status == 429:  # of too many that were refused: it says nothing of this one
            return
        assert status in (200, 401), status
        if run == self.run_of(name):
            with self.lock:
                if status == 200:
                    self.reads.append(Read(target, value, run, start, time.monotonic()))
                else:
                    self.denials.append(Denial(target, value, name, start, time.monotonic()))

    def order_token(self, name, draw):
        target, what = draw.choice(TOKENS), draw.random()
        if what < 0.4:
            self.make_token(name, target)
        elif what < 0.6:
            self.change(name, target, None, lambda: self.cluster.nodes[name].request("DELETE", f"/v1/tokens/{target.removeprefix('token:')}"),
                        meets=lambda reply: (OK, {"expected": None}) if reply.status == 404 else None)
        with self.lock:
            known = [key for key in self.secrets if key[0] == target][-3:]
        if known:
            self.use_token(f"ns{draw.randrange(3) + 1}", *draw.choice(known))
        self.read_token(f"ns{draw.randrange(3) + 1}", target)

    def order_switchover(self, name, draw):
        node = self.cluster.nodes[name]
        with self.lock:
            known = self.switchovers[-3:]
        if not known or draw.random() < 0.4:
            source = f"az:{draw.choice(SOURCES)}"
            with contextlib.suppress(OSError):
                reply = node.request("POST", "/v1/switchovers", {"source": source, "steps": [50], "each": "1h", "reason": "a test"})
                if reply.status == 201 and reply.json["cluster"]["seq"] is not None:
                    with self.lock:
                        self.switchovers.append(reply.json["id"])
            return
        one, verb = draw.choice(known), draw.choice(list(LEADS_TO))
        self.change(name, f"switchover:{one}", LEADS_TO[verb], lambda: node.request("POST", f"/v1/switchovers/{one}:{verb}", {"reason": "a test"}),
                    expected="moving" if verb == "rollback" else "planned", may_pend=True)
        self.read_switchover(f"ns{draw.randrange(3) + 1}", one)

    def ask(self, client):
        draw = random.Random(f"{self.seed} {client}")
        name = f"ns{client % 3 + 1}"
        while not self.over.is_set():
            what = draw.random()
            give = self.order_override if what < 0.6 else self.order_token if what < 0.8 else self.order_switchover
            give(name, draw)
            time.sleep(draw.random() * 0.05)

    # ---- what goes wrong ----

    def disturb(self, draw):
        name, member = f"ns{draw.randrange(3) + 1}", draw.choice(self.cluster.etcd.members)
        node = self.cluster.nodes[name]
        what = draw.choice(["kill", "stop", "stop long", "kill member", "stop member", "stop two"])
        pause = draw.uniform(0.2, 1.5)
        if what == "kill":
            node.kill()
            self.runs[name] += 1
            time.sleep(pause)
            node.start()
        elif what.startswith("stop") and "member" not in what and "two" not in what:
            node.process.send_signal(signal.SIGSTOP)
            time.sleep(pause + (5.5 if what == "stop long" else 0))  # the turn's lease is 5 s
            node.process.send_signal(signal.SIGCONT)
        elif what == "kill member":
            member.kill()
            time.sleep(pause)
            member.start("existing")
        else:
            stopped = [member] if what == "stop member" else [one for one in self.cluster.etcd.members if one is not member]
            for one in stopped:
                one.stop()
            time.sleep(pause)
            for one in stopped:
                one.go_on()

    def make(self):
        clients = [threading.Thread(target=self.ask, args=(client,)) for client in range(CLIENTS)]
        for client in clients:
            client.start()
        draw, until = random.Random(f"{self.seed} faults"), time.monotonic() + SECONDS
        try:
            while time.monotonic() < until:
                time.sleep(draw.uniform(0.1, 1.0))
                self.disturb(draw)
        finally:
            self.over.set()
            for client in clients:
                client.join()

    # ---- what came of it ----

    def settle(self):
        self.cluster.etcd.wait()
        for name, node in self.cluster.nodes.items():
            self.cluster.wait_phase(name, "following")
            node.wait(lambda node=node: node.get("/v1/cluster")["pending"] == 0, "nothing is pending")
        self.cluster.wait_fresh().wait_same()

    def read_log(self):
        """(seq, target, value), as etcd has it."""
        prefix, log = f"/steerd/{clusterkit.CLUSTER}/entry/", []
        found = json.loads(self.cluster.etcd.ctl("get", "--prefix", prefix, "-w", "json"))
        for kv in found.get("kvs", []):
            entry = json.loads(base64.b64decode(kv["value"]))
            for op in entry["ops"]:
                value = op.get("value")
                value = json.loads(value) if isinstance(value, str) else value
                if op["kind"] == "override":
                    log.append((entry["seq"], op["key"], value and value["reason"]))
                elif op["kind"] == "token":
                    log.append((entry["seq"], f"token:{op['key']}", value and value["zones"][0].rstrip(".")))
                elif op["kind"] == "switchover":
                    log.append((entry["seq"], f"switchover:{op['key']}", value and value["state"]))
        return without_repeats(sorted(log, key=lambda one: one[0]))

    def shown_on(self, node):
        tokens = {item["name"]: item["zones"][0].rstrip(".") for item in node.get("/v1/tokens")["items"]}
        return {**{key: (node.get(f"/v1/{target}")["override"] or {}).get("reason") for target, key in TARGETS.items()},
                **{target: tokens.get(target.removeprefix("token:")) for target in TOKENS},
                **{f"switchover:{one}": node.get(f"/v1/switchovers/{one}")["state"] for one in self.switchovers}}

    def check(self):
        log = self.read_log()
        last = {target: value for _, target, value in log}
        faults = list(self.faults)
        for name, node in self.cluster.nodes.items():
            shown = self.shown_on(node)
            faults += [f"{name} has {shown[key]} at {key}, and the last entry says {last.get(key)}" for key in shown if shown[key] != last.get(key)]
        said = {(target, value) for _, target, value in log}
        # What was in force on its own node only, and was taken back, is no entry.
        reads = [read for read in self.reads if read.value is None or (read.target, read.value) in said]
        faults += check_registers(self.writes, {f"switchover:{one}": "planned" for one in self.switchovers})
        faults += check_denials(self.denials, self.writes, self.in_force)
        # Of a switchover several have the same order, of which one is the first.
        faults += check_log([one for one in self.writes if not (one.outcome == OK and one.seq is None) and
                             not (one.outcome == REFUSED and one.target.startswith("switchover:"))], log)
        faults += check_reads(reads, log)
        faults += check_visible([one for one in self.writes if one.outcome == OK and one.seq is not None], reads, log, self.in_force)
        return faults


def without_repeats(log):
    """A switchover that has not changed its state may be written for something else."""
    last, kept = {}, []
    for seq, target, value in log:
        if not target.startswith("switchover:") or last.get(target) != value:
            kept.append((seq, target, value))
        last[target] = value
    return kept


def test_what_was_told_fits_into_one_order(cluster_seed):
    with etcdkit.Etcd(3) as etcd, clusterkit.new_cluster(3, etcd=etcd) as cluster:
        pki, doors = prepare(cluster)
        cluster.start().wait_fresh()
        history = History(cluster, cluster_seed, pki, doors)
        history.make()
        history.settle()
        outcomes = collections.Counter(one.outcome for one in history.writes)
        kinds = collections.Counter(one.target.partition(":")[0] for one in history.writes if one.outcome == OK)
        print(f"seed {cluster_seed}: {len(history.reads)} reads, {len(history.denials)} denials, writes {dict(outcomes)}, of which good {dict(kinds)}")
        faults = history.check()
        assert not faults, f"seed {cluster_seed}: {len(faults)} faults:\n" + "\n".join(faults[:20])
        assert outcomes[OK] >= 3, outcomes
