# SPDX-License-Identifier: BSD-3-Clause
"""Who is a node: real steerds and a real etcd; machines that join with a token, are removed, replaced, and come back."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import ssl
import stat
import subprocess
import threading

import pytest

import clusterkit
import etcdkit
import kit
from clusterkit import desired, is_problem, order

JOIN = kit.STEERD.parent / "steerctl-join"
pytestmark = pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")


@pytest.fixture
def cluster():
    with clusterkit.new_cluster(2, has_links=True) as made:
        made.start().wait_fresh()
        yield made


def new_machine(cluster, name):
    """A site without "cluster", as a machine has one before it joins."""
    site = cluster.add(name)
    del site.server["cluster"]
    site.write()
    return site


def listen_at():
    address = kit.new_address()
    return f"{address}:{kit.find_port(address)}"


def steerctl(*words, **more):
    return subprocess.run([kit.STEERCTL, *map(str, words)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **more)


def config_of(site):
    return site.config


def invite(node, name, *more):
    done = node.ctl("cluster", "invite", name, "--json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["token"]


def join(site, token, listen=None):
    return steerctl("cluster", "join", token, "--config", config_of(site), *(["--listen", listen] if listen else []))


def adopt_config(site):
    """What join has written is what the site goes by from now on."""
    site.server["cluster"] = json.loads(config_of(site).read_text())["cluster"]


def names(node):
    return {item["name"] for item in node.get("/v1/nodes")["items"]}


def admit(cluster, inviter, name, *more):
    site = new_machine(cluster, name) if name not in cluster.sites else cluster.sites[name]
    done = join(site, invite(inviter, name, *more), listen_at())
    assert done.returncode == 0, done.stderr
    adopt_config(site)
    cluster.nodes[name] = site.start()
    cluster.wait_phase(name, "following")
    return cluster.nodes[name]


def remove(node, name):
    return node.request("DELETE", f"/v1/nodes/{name}?reason=its+disk+died")


# ---- joining ----

def test_from_nothing_to_three_nodes():
    """As the page says it: init, invite, join; nothing else is written by hand."""
    with clusterkit.new_cluster(0) as cluster:
        first = new_machine(cluster, "ns1")
        done = steerctl("cluster", "init", "--name", "prod", "--node", "ns1", "--etcd", ",".join(cluster.etcd.urls), "--listen", listen_at(),
                        "--config", config_of(first))
        assert done.returncode == 0 and "first node of prod" in done.stdout and "2 GiB" in done.stdout, done
        adopt_config(first)
        cluster.nodes["ns1"] = one = first.start()
        cluster.wait_phase("ns1", "following")
        two = admit(cluster, one, "ns2")
        assert two.site.server["cluster"].keys() >= {"name", "node", "etcd", "listen", "acknowledge", "deadline", "member"}
        admit(cluster, two, "ns3")
        cluster.wait_fresh()
        reply = order(one, "regions/us-east", "drain")
        spread = reply.json["cluster"]
        assert sorted(spread["in_force_on"] + spread["waiting_for"]) == ["ns1", "ns2", "ns3"], reply
        for node in cluster.list():
            node.wait(lambda node=node: sum(item["state"] == "connected" for item in node.get("/v1/vantages")["items"]) == 2, "both others are heard")
        joined = [item for item in one.get("/v1/journal?kind=node-member")["items"]]
        assert {item["key"] for item in joined} == {"ns2", "ns3"} and joined[0]["reason"] == "it has joined with a token"
        for entry in one.get("/v1/journal?kind=node-invite")["items"]:
            assert "secret" not in json.dumps(entry) and "join1" not in json.dumps(entry)


def test_a_running_server_becomes_a_node_by_a_reload(cluster):
    site = new_machine(cluster, "ns3")
    three = cluster.nodes["ns3"] = site.start()
    assert three.request("GET", "/v1/cluster").status == 404
    assert join(site, invite(cluster.nodes["ns1"], "ns3"), listen_at()).returncode == 0
    adopt_config(site)
    assert three.ctl("reload").returncode == 0
    three.wait(lambda: three.request("GET", "/v1/cluster").status == 200, "it is one")
    cluster.wait_phase("ns3", "following")
    cluster.wait_fresh()


def test_what_else_the_configuration_says_stays(cluster):
    site = new_machine(cluster, "ns3")
    path = config_of(site)
    os.chmod(path, 0o640)
    before = json.loads(path.read_text())
    assert join(site, invite(cluster.nodes["ns1"], "ns3")).returncode == 0
    after = json.loads(path.read_text())
    at = cluster.sites["ns1"].server["cluster"]["listen"][0]
    assert after.pop("cluster")["listen"].endswith(at[at.rindex(":"):])  # an address of this host, and the port of the other one
    assert after == before and list(after) == list(before) and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(item.name for item in path.parent.iterdir() if item.name.startswith("steerd.json")) == ["steerd.json"]


def test_a_token_is_good_once(cluster):
    one, two = cluster.list()
    token = invite(one, "ns3")
    site, other = new_machine(cluster, "ns3"), new_machine(cluster, "ns4")
    assert join(site, token).returncode == 0
    before = config_of(other).read_text()
    for _ in range(2):
        done = join(other, token)
        assert done.returncode == 1 and "used token" in done.stderr, done
    assert config_of(other).read_text() == before
    assert [item["value"] if "value" in item else item for item in two.get("/v1/journal?kind=node-member")["items"]] != []


def test_of_two_joins_with_one_token_one_succeeds(cluster):
    """At one node, and at two: the order of places in the token is turned round for the other."""
    one, two = cluster.list()
    for number, turned in enumerate([False, True, True, True]):
        name = f"ns{number + 3}"
        token = invite(one, name)
        head, places = token.rsplit(".", 1)[0], None
        begin = token.index("@") - 64
        head, places = token[:begin], token[begin:].split(",")
        assert len(places) == 2
        tokens = [token, head + ",".join(reversed(places)) if turned else token]
        sites = [new_machine(cluster, f"{name}-{i}") for i in range(2)]
        done = [None, None]

        def run(i, sites=sites, tokens=tokens, done=done):
            done[i] = join(sites[i], tokens[i])
        threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(it.returncode for it in done) == [0, 1], done
        assert "used token" in next(it.stderr for it in done if it.returncode == 1)
    assert len([item for item in two.get("/v1/journal?kind=node-member&limit=100")["items"]]) == 4


def test_errors_have_names(cluster):
    one, _ = cluster.list()
    site = new_machine(cluster, "ns3")
    assert is_problem(one.request("POST", "/v1/nodes", {"name": "ns2"}), 409, "conflict")
    assert is_problem(one.request("POST", "/v1/nodes", {"name": "ns1"}), 409, "conflict")
    assert is_problem(one.request("POST", "/v1/nodes", {"name": "ns9", "replace": True}), 409, "conflict")
    assert one.request("POST", "/v1/nodes", {"name": "no name"}).status == 422 or one.request("POST", "/v1/nodes", {"name": "no name"}).status == 400
    token = invite(one, "ns3", "--expires", "1s")
    one.wait(lambda: "expired token" in ask(token, {})["refused"]["why"], "the token is expired")
    assert "expired token" in join(site, token).stderr
    first, second = invite(one, "ns3"), invite(one, "ns3")  # the later one counts
    done = join(site, first)
    assert done.returncode == 1 and "wrong token" in done.stderr, done
    done = join(site, second.replace("join1.prod.", "join1.other."))
    assert done.returncode == 1 and "wrong cluster" in done.stderr, done
    assert steerctl("cluster", "join", "join1.a.b.c").returncode == 2
    begin = second.index("@") - 64
    done = join(site, second[:begin] + second[begin:begin + 65] + "127.0.0.1/1")
    assert done.returncode == 3 and "unreachable" in done.stderr, done
    assert "cluster" not in json.loads(config_of(site).read_text())
    assert join(site, second).returncode == 0  # none of that has used it


def test_a_clock_that_is_wrong_is_said(cluster):
    """The question as another program may ask it."""
    site = new_machine(cluster, "ns3")
    token = invite(cluster.nodes["ns1"], "ns3")
    assert "clock" in ask(token, {"time": 1000})["refused"]["why"]
    assert join(site, token).returncode == 0


def ask(token, more, line=None):
    """One line to the first place of the token, and the answer."""
    _, cluster_name, node, _, secret, rest = token.split(".", 5)
    place = rest.split(",")[0].split("@")[1]
    address, port = place.split("/")
    body = {"cluster": cluster_name, "node": node, "secret": secret, "has_certificate": False, "has_password": False, "time": 0, **more}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    folder = pathlib.Path(etcdkit.tempfile.mkdtemp())
    try:
        authority = etcdkit.Authority(folder)
        context.load_cert_chain(authority.path("ca"), authority.path("ca", "key"))
        with socket.create_connection((address, int(port)), timeout=kit.PATIENCE_S) as plain, context.wrap_socket(plain) as link:
            link.sendall(line or json.dumps({"join": {"what": json.dumps(body)}}).encode() + b"\n")
            got = b""
            while not got.endswith(b"\n"):
                piece = link.recv(65536)
                if not piece:
                    break
                got += piece
            return json.loads(got) if got else None
    finally:
        shutil.rmtree(folder)


def test_wrong_secrets_wait_longer_and_longer(cluster):
    one = cluster.nodes["ns1"]
    token = invite(one, "ns3")
    assert "wrong token" in ask(token, {"secret": f"{7:032x}"})["refused"]["why"]
    one.wait(lambda: "too many tokens from here were wrong" in ask(token, {"secret": f"{8:032x}"})["refused"]["why"], "it has to wait")


def test_what_is_no_question_is_refused(cluster):
    token = invite(cluster.nodes["ns1"], "ns3")
    for line in b'{"join":{"what":"[]"}}\n', b'{"join":{"what":"' + b"x" * 200000 + b'"}}\n', b'{"join":{}}\n', b'{"join":{"what":7}}\n':
        answer = ask(token, {}, line)
        assert answer is None or "refused" in answer, answer
    assert join(new_machine(cluster, "ns3"), token).returncode == 0


class Impostor:
    """Where a node is said to be: shows a certificate of its own, or the right one and too much."""

    def __init__(self, authority, name, answer):
        self.listener = socket.create_server((kit.new_address(), 0))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(authority.path(name), authority.path(name, "key"))
        self.answer, self.heard = answer, b""
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def place(self):
        return "%s/%d" % self.listener.getsockname()

    def run(self):
        with contextlib.suppress(OSError):
            plain, _ = self.listener.accept()
            with self.context.wrap_socket(plain, server_side=True) as link:
                link.settimeout(5)
                self.heard = link.recv(65536)
                link.sendall(self.answer)
                link.recv(1)

    def close(self):
        self.listener.close()
        self.thread.join(timeout=kit.PATIENCE_S)


@pytest.fixture
def authority(tmp_path):
    return etcdkit.Authority(tmp_path)


def fingerprint(authority, name):
    done = subprocess.run(["openssl", "x509", "-in", authority.path(name), "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True, check=True)
    return done.stdout.strip().split("=")[1].replace(":", "").lower()


def test_who_shows_another_certificate_hears_no_secret(cluster, authority):
    site = new_machine(cluster, "ns3")
    token = invite(cluster.nodes["ns1"], "ns3")
    impostor = Impostor(authority, "ca", b'{"joined":{"what":"{}"}}\n')
    begin = token.index("@") - 64
    done = join(site, token[:begin] + token[begin:begin + 65] + impostor.place)
    impostor.close()
    assert done.returncode == 3 and "not the node that the token names" in done.stderr, done
    assert impostor.heard == b""
    assert join(site, token).returncode == 0


@pytest.mark.parametrize("answer", [b"x" * (1 << 20), b'{"joined":{"what":"' + b"x" * (250 << 10) + b'"}}\n', b'{"joined":{"what":"{}"}}\n', b"{}\n", b""],
                         ids=["no line", "a long line", "no grant", "no message", "nothing"])
def test_a_node_that_says_too_much_or_nothing(cluster, authority, answer):
    site = new_machine(cluster, "ns3")
    token = invite(cluster.nodes["ns1"], "ns3")
    liar = Impostor(authority, "ca", answer)
    begin = token.index("@") - 64
    done = join(site, f"{token[:begin]}{fingerprint(authority, 'ca')}@{liar.place}")
    liar.close()
    assert done.returncode in (1, 3) and done.stderr.startswith("steerctl: "), done
    assert "cluster" not in json.loads(config_of(site).read_text())


def test_credentials_are_handed_out_only_where_that_is_said():
    with contextlib.ExitStack() as stack:
        etcd = stack.enter_context(etcdkit.Etcd(tls=True))
        paths = {"ca": str(etcd.authority.path("ca")), "certificate": str(etcd.authority.path("client")), "key": str(etcd.authority.path("client", "key"))}
        cluster = clusterkit.Cluster(stack, 1, etcd=etcd, has_links=True, **paths)
        one = cluster.start("ns1").nodes["ns1"]
        done = one.ctl("cluster", "invite", "ns2")
        assert "Bring the certificate for etcd" in done.stdout and "cluster/etcd.key" in done.stdout, done
        site = new_machine(cluster, "ns2")
        token = invite(one, "ns2")
        done = join(site, token)
        assert done.returncode == 1 and "cluster/etcd.pem is not there" in done.stderr and "cluster/etcd.key" in done.stderr, done
        done = join(site, token.replace(".c.", ".0."))  # a token that says otherwise helps nothing
        assert done.returncode == 1 and "does not hand out the certificate" in done.stderr, done
        folder = config_of(site).parent / "cluster"
        folder.mkdir()
        shutil.copy(etcd.authority.path("client"), folder / "etcd.pem")
        shutil.copy(etcd.authority.path("client", "key"), folder / "etcd.key")
        assert join(site, token, listen_at()).returncode == 0
        adopt_config(site)
        cluster.nodes["ns2"] = site.start()
        cluster.wait_phase("ns2", "following")

        cluster.sites["ns1"].server["cluster"]["share_credentials"] = True
        cluster.sites["ns1"].write()
        assert one.ctl("reload").returncode == 0
        admit(cluster, one, "ns3")
        folder = config_of(cluster.sites["ns3"]).parent / "cluster"
        assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {"etcd-ca.pem": 0o644, "etcd.pem": 0o600, "etcd.key": 0o600}
        assert (folder / "etcd.key").read_text() == etcd.authority.path("client", "key").read_text()


# ---- removing ----

def test_a_removed_node_is_gone_at_once_everywhere(cluster):
    one, two = cluster.list()
    three = admit(cluster, one, "ns3")
    cluster.wait_fresh()
    one.wait(lambda: one.get("/v1/vantages/node:ns3")["state"] == "connected", "it is heard")
    assert is_problem(remove(three, "ns3"), 409, "conflict")  # itself
    done = one.ctl("cluster", "remove", "ns3", "--reason", "its disk died", "--yes")
    assert done.returncode == 0 and "ns3 is no node any more" in done.stdout, done
    for node in one, two:
        node.wait(lambda node=node: names(node) == {"ns1", "ns2"} and
                  node.request("GET", "/v1/vantages/node:ns3").status == 404, "it is gone")
    assert cluster.etcd.get("/steerd/prod/node/ns3") == "" and cluster.etcd.get("/steerd/prod/claim/ns3") == ""
    cluster.wait_phase("ns3", "estranged")
    assert "removed" in three.get("/v1/cluster")["why"] and "cluster join" in three.get("/v1/cluster")["why"]
    three.wait(lambda: three.get("/v1/vantages")["items"] == [], "it is linked with nobody")
    assert is_problem(order(three, "regions/us-east", "drain"), 409, "cluster-estranged")
    reply = order(one, "regions/us-east", "drain")  # of the two that are left
    assert sorted(reply.json["cluster"]["in_force_on"]) == ["ns1", "ns2"] and reply.json["cluster"]["waiting_for"] == []
    entry = two.get("/v1/journal?kind=node-member")["items"][0]
    assert entry["key"] == "ns3" and entry["reason"] == "its disk died" and entry["after"]["removed"] is True
    assert is_problem(remove(two, "ns3"), 404, "not-found")


def test_a_removed_node_that_comes_back_is_told(cluster):
    one, _ = cluster.list()
    three = admit(cluster, one, "ns3")
    three.kill()
    assert remove(one, "ns3").status == 200
    three.start()
    cluster.wait_phase("ns3", "estranged")
    assert "removed" in three.get("/v1/cluster")["why"]
    assert names(one) == {"ns1", "ns2"}
    # the way out: the same machine is invited again
    assert join(cluster.sites["ns3"], invite(one, "ns3"), listen_at()).returncode == 0
    adopt_config(cluster.sites["ns3"])
    assert three.ctl("reload").returncode == 0
    cluster.wait_phase("ns3", "following")
    cluster.wait_fresh()


def test_what_cannot_be_removed(cluster):
    one, two = cluster.list()
    assert is_problem(remove(one, "ns9"), 404, "not-found")
    two.stop()
    assert remove(one, "ns2").status == 200
    reply = remove(one, "ns1")
    assert is_problem(reply, 409, "conflict") and "only node" in reply.json["detail"]
    invite(one, "ns5")
    assert remove(one, "ns5").status == 200  # an invitation is taken back
    cluster.etcd.members[0].kill()
    cluster.wait_phase("ns1", "away")
    assert is_problem(remove(one, "ns5"), 503, "cluster-unreachable")
    assert is_problem(one.request("POST", "/v1/nodes", {"name": "ns7"}), 503, "cluster-unreachable")


# ---- replacing, restoring ----

def test_another_machine_takes_the_name_of_a_dead_one(cluster):
    one, _ = cluster.list()
    old = admit(cluster, one, "ns3")
    assert order(old, "regions/us-east", "drain").status == 200
    assert is_problem(one.request("POST", "/v1/nodes", {"name": "ns3", "replace": True}), 409, "conflict")  # it runs
    old.kill()
    one.wait(lambda: not any(item["fresh"] for item in one.get("/v1/nodes")["items"] if item["name"] == "ns3"), "it is not heard of")
    old_site = cluster.sites.pop("ns3")
    new = admit(cluster, one, "ns3", "--replace")
    assert desired(new) == "drain" and new.site is not old_site
    old.start()
    old.wait(lambda: old.get("/v1/cluster")["phase"] == "estranged", "the old one is told")
    assert "given to another machine" in old.get("/v1/cluster")["why"]
    assert is_problem(order(old, "regions/eu-west", "drain"), 409, "cluster-estranged")
    assert order(new, "regions/us-east", "auto").status == 200
    new.stop()  # nor when the name is not used
    old.wait(lambda: "given to another machine" in old.get("/v1/cluster")["why"], "it stays so")
    assert old.get("/v1/cluster")["phase"] == "estranged"


def test_a_node_without_its_state_folder_is_whole_again(cluster):
    one, two = cluster.list()
    assert order(one, "regions/us-east", "drain", expires_in="1h").status == 200
    assert one.request("POST", "/v1/tokens", {"name": "alice", "role": "operator"}).status == 201
    print_before = two.get("/v1/vantages")["fingerprint"]
    two.kill()
    shutil.rmtree(pathlib.Path(cluster.sites["ns2"].folder) / "var")
    two.start()
    cluster.wait_phase("ns2", "following")
    assert desired(two) == "drain" and [item["name"] for item in two.get("/v1/tokens")["items"]] == ["alice"]
    assert two.get("/v1/vantages")["fingerprint"] != print_before  # its key lay there
    for node, other in (one, "ns2"), (two, "ns1"):
        node.wait(lambda node=node, other=other: node.get(f"/v1/vantages/node:{other}")["state"] == "connected", "they hear each other")
    cluster.wait_same()


def test_without_etcd_a_node_that_starts_is_linked_with_those_it_knew(cluster):
    one, two = cluster.list()
    three = admit(cluster, one, "ns3")
    admit(cluster, one, "ns4")
    cluster.wait_fresh()
    assert remove(one, "ns4").status == 200
    for node in one, two, three:
        node.wait(lambda node=node: {item["name"] for item in node.get("/v1/vantages")["items"] if item["state"] == "connected"} ==
                  {f"node:{name}" for name in ("ns1", "ns2", "ns3") if cluster.nodes[name] is not node}, "all hear each other")
    for member in cluster.etcd.members:
        member.kill()
    three.kill()
    three.start()
    cluster.wait_phase("ns3", "away")
    for other in "ns1", "ns2":
        three.wait(lambda other=other: three.get(f"/v1/vantages/node:{other}")["state"] == "connected" and
                   three.get(f"/v1/vantages/node:{other}")["node"]["state"] == "connected", f"it hears {other}, and is heard")
        cluster.nodes[other].wait(lambda other=other: cluster.nodes[other].get("/v1/vantages/node:ns3")["state"] == "connected", f"{other} hears it")
    assert {item["name"] for item in three.get("/v1/vantages")["items"]} == {"node:ns1", "node:ns2"}
