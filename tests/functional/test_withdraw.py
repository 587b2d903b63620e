# SPDX-License-Identifier: BSD-3-Clause
"""A server that is cut off from everything says so, serves its last verdicts, and withdraws where that was asked for: it stops
answering, or a command withdraws its route; and it comes back by itself, over restarts, reloads and takeovers."""
import contextlib
import json
import shutil
import signal
import stat
import subprocess
import time

import dns.edns
import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

import clusterkit
import kit
import nodekit
from test_clock import DAY_S, Clock
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import

NOT_READY = 14
UNBOUND = shutil.which("unbound", path="/usr/sbin:/usr/bin")


def make(site, **withdraw):
    """Two regions, and a control target that speaks for the server itself."""
    at = kit.make_regions(site, ("us-east-1a", "eu-west-1a"))
    control = kit.new_address()
    site.topology["brake"] = {"control": [{"address": control, "check": "web"}]}
    site.zone("example.com", "fixed 60 IN A 192.0.2.7\n")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    if withdraw:
        site.server["withdraw"] = withdraw
    site.web(*at.values())
    return at["us-east-1a"], site.web(control)


def serving(server):
    """200 or 503, and what it says."""
    reply = server.request("GET", "/v1/serving")
    assert reply.status == (200 if reply.json["serving"] else 503), reply
    return reply.json


def count(server, metric):
    text = server.request("GET", "/metrics").body.decode()
    return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(metric + " "))


def wait_cut(server, is_cut=True):
    server.wait(lambda: serving(server)["cut_off"] == is_cut, f"cut off: {is_cut}")


def wait_serving(server, is_serving):
    server.wait(lambda: serving(server)["serving"] == is_serving, f"serving: {is_serving}")


def events(server):
    """What was told of this node, in order."""
    reply = server.ctl("--json", "events", "--kind", "node", "--since", "1h")
    changes = [json.loads(line) for line in reply.stdout.splitlines() if line.strip()]
    return [change for change in changes if change.get("kind") == "node"]


def is_closed(server):
    """By TCP nobody is heard, and who is connected was thrown out."""
    try:
        server.ask("fixed.example.com", tcp=True)
    except (EOFError, OSError, dns.exception.DNSException):
        return True
    return False


def assert_withdrawn(server):
    reply = server.ask("fixed.example.com", edns=0)
    assert reply.rcode() == dns.rcode.SERVFAIL and not reply.answer and reply.question
    assert [option.code for option in reply.options if isinstance(option, dns.edns.EDEOption)] == [NOT_READY]
    assert server.ask("nowhere.example.net").rcode() == dns.rcode.SERVFAIL
    assert is_closed(server)


def assert_answers(server):
    for tcp in (False, True):
        assert server.addresses("fixed.example.com", tcp=tcp) == ["192.0.2.7"]


def test_it_says_so_and_serves_on(site):
    """Without "withdraw" nothing else happens."""
    us, control = make(site)
    server = site.start()
    server.wait_answers("www.example.com", [us])
    wait_cut(server, False)
    server.wait(lambda: serving(server)["heard"]["controls"] == {"known": 1, "heard": 1}, "it knows that it is heard")
    assert count(server, "steerd_cut_off") == 0
    assert server.get("/v1/status")["contact"]["cut_off"] is False and "CUT OFF" not in server.ctl("status").stdout
    control.kill()
    wait_cut(server)
    told = serving(server)
    assert told["serving"] and told["withdraws"] is None and told["heard"]["controls"] == {"known": 1, "heard": 0} and told["heard"]["targets"]["heard"] == 2
    assert count(server, "steerd_cut_off") == 1 and count(server, "steerd_cut_off_seconds") >= 10
    assert count(server, 'steerd_witnesses{kind="controls",state="heard"}') == 0
    assert "CUT OFF" in server.ctl("status").stdout and "CUT OFF since" in server.ctl("serving").stdout
    assert server.get("/v1/status")["contact"]["cut_off"] is True
    steps = server.get("/v1/explain?name=www.example.com&type=A")["steps"]
    assert "THIS SERVER IS CUT OFF" in steps[0] and "THIS SERVER IS CUT OFF" in server.ctl("explain", "www.example.com").stdout
    server.wait_log("cut off", "controls 0 of 1")
    assert_answers(server)
    assert server.addresses("www.example.com") == [us]
    control.start()
    wait_cut(server, False)
    assert count(server, "steerd_cut_off_seconds") == 0
    kinds = [(change["name"], change["body"]["turn"]) for change in events(server)]
    assert kinds == [("node:local", "cut_off"), ("node:local", "in_touch")]


def test_all_endpoints_lost_is_no_cut(site):
    """There is nobody who could say that it is not the endpoints."""
    make(site, after="10s")
    del site.topology["brake"]
    server = site.start()
    site.webs[0].kill()
    server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy")
    since = time.monotonic()
    server.wait(lambda: time.monotonic() - since > 13, "longer than it would take")
    told = serving(server)
    assert told["serving"] and not told["cut_off"] and told["heard"]["targets"]["known"] == 2


def test_it_stops_answering_and_comes_back(site):
    _, control = make(site, after="10s", back_after="2s")
    server = site.start()
    assert_answers(server)
    control.kill()
    wait_cut(server)
    wait_serving(server, False)
    assert_withdrawn(server)
    told = serving(server)
    assert told["withdrawn_by"] == "itself" and told["how"] == "stop_answering" and told["announces"] is None
    done = server.ctl("serving", code=7)
    assert "NO" in done.stdout and "WITHDRAWN" in server.ctl("status").stdout
    assert server.ctl_json("serving", code=7)["serving"] is False
    steps = server.get("/v1/explain?name=fixed.example.com&type=A")["steps"]
    assert "THIS SERVER HAS WITHDRAWN" in steps[0] and "SERVFAIL" in steps[0]
    assert count(server, 'steerd_withdrawn{by="itself"}') == 1 and count(server, 'steerd_tcp_closed_total{by="withdrawn"}') > 0
    assert server.reload().status == 200  # is no reason to come back
    assert_withdrawn(server)
    control.start()
    server.wait(lambda: serving(server)["announces"] or serving(server)["serving"], "it knows when it will be back")
    wait_serving(server, True)
    assert_answers(server)
    assert [change["body"]["turn"] for change in events(server)] == ["cut_off", "withdrawn", "in_touch", "announced"]
    assert server.ctl("serving").returncode == 0


def test_it_remembers(site):
    """Over an end, a crash and a takeover; and a configuration that knows of no withdrawal lets it be asked again."""
    _, control = make(site, after="10s", back_after="1s")
    server = site.start()
    control.kill()
    wait_serving(server, False)
    since = serving(server)["since"]
    server.stop()
    server.start()
    assert_withdrawn(server)
    assert serving(server)["since"] == since
    server.kill()
    server.start()
    assert_withdrawn(server)
    take_over(server)
    assert_withdrawn(server)
    assert serving(server)["withdrawn_by"] == "itself" and serving(server)["since"] == since
    del site.server["withdraw"]
    site.write()
    assert server.reload().status == 200
    wait_serving(server, True)
    assert_answers(server)


@pytest.mark.parametrize("step", [DAY_S, -DAY_S], ids=["forward", "back"])
def test_the_clock_is_set(site, step):
    """It counts by the one that only goes forward, also over a restart."""
    clock = Clock(site)
    _, control = make(site, after="1m", back_after="1s")
    server = site.start()
    control.kill()
    wait_cut(server)
    clock.set(server, step)
    assert count(server, "steerd_cut_off_seconds") < 60 and serving(server)["serving"]
    server.kill()
    server.start()
    wait_cut(server)
    server.wait(lambda: serving(server)["heard"]["controls"]["known"] == 1, "it has looked")
    assert serving(server)["serving"], "a day has not passed"
    assert_answers(server)
    control.start()
    wait_cut(server, False)


@contextlib.contextmanager
def unbound(folder, hosts):
    """A resolver that knows these servers of example.com, "address@port"."""
    address = kit.new_address()
    at = address, kit.find_port(address)
    addresses = "".join(f"  stub-addr: {host}\n" for host in hosts)
    (folder / "unbound.conf").write_text(f"""server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  interface: {at[0]}@{at[1]}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-ip6: no
  module-config: "iterator"
remote-control:
  control-enable: no
stub-zone:
  name: example.com
{addresses}""")
    with open(folder / "unbound.log", "wb") as log, \
            subprocess.Popen([UNBOUND, "-d", "-p", "-c", str(folder / "unbound.conf")], stderr=log, stdin=subprocess.DEVNULL, stdout=log) as process:
        def answers():
            try:
                return dns.query.udp(dns.message.make_query("version.bind", "TXT", "CH"), at[0], port=at[1], timeout=0.2)
            except (OSError, dns.exception.Timeout):
                return False
        try:
            kit.wait_for(answers, "unbound answers")
            yield at
        finally:
            process.kill()


@pytest.mark.skipif(UNBOUND is None, reason="unbound is not there")
def test_a_resolver_asks_the_other_server(site):
    """Unbound, at once, and it comes back to both."""
    make(site)
    site.zone("example.com", "* 60 IN A 192.0.2.7\n")
    with kit.new_site() as second:
        second.zone("example.com", "* 60 IN A 192.0.2.7\n")
        here, there = site.start(), second.start()
        hosts = [f"{address}@{port}" for address, port in (site.listen[0], second.listen[0])]
        with unbound(site.folder, hosts) as at:
            here.ctl("withdraw", "--reason", "x")
            for number in range(60):  # each is a new question
                reply = here.ask(f"n{number}.example.com", at=at)
                assert reply.rcode() == dns.rcode.NOERROR and reply.answer, (number, reply)
            assert count(here, 'steerd_answers_total{rcode="servfail"}') > 0, "it was asked, too"
            here.ctl("announce")
            there.ctl("withdraw", "--reason", "x")
            for number in range(60, 120):
                assert here.ask(f"n{number}.example.com", at=at).answer


def test_what_was_noted_is_no_text(site):
    make(site, after="10s")
    server = site.start()
    server.stop()
    for text in ("{", "[]", '{"withdrawn": 1}', '{"withdrawn": true, "since": "yesterday"}'):
        site.put("var/withdrawal", text)
        server.start()
        assert_answers(server)
        server.wait_log("withdrawal not read")
        server.stop()


def test_an_operator_takes_it_out(site):
    """Without any configuration; it stays so whatever is heard, and over a restart."""
    make(site)
    server = site.start()
    for body, status in (({"withdrawn": True}, 422), ({"reason": "x"}, 422), ({"withdrawn": 1, "reason": "x"}, 422), ({"withdrawn": True, "reason": "x", "y": 1}, 422)):
        assert server.request("PUT", "/v1/serving", body).status == status
    assert "--reason" in server.ctl("withdraw", code=2).stderr
    assert_answers(server)
    done = server.ctl("withdraw", "--reason", "a new disk", "--actor", "carol")
    assert "NO" in done.stdout and "a new disk" in done.stdout
    assert_withdrawn(server)
    told = serving(server)
    assert told["withdrawn_by"] == "operator" and told["reason"] == "a new disk" and told["actor"] == "carol" and not told["cut_off"]
    assert count(server, 'steerd_withdrawn{by="operator"}') == 1
    server.stop(signal.SIGTERM)
    server.start()
    assert_withdrawn(server)
    take_over(server)
    assert_withdrawn(server)
    server.ctl("announce")
    assert_answers(server)
    change = events(server)[-1]
    assert change["body"]["turn"] == "announced" and serving(server)["actor"] is None
    server.stop()
    server.start()
    assert_answers(server)


def hook(site, text="exit 0"):
    """A command that notes what it is told, and does `text`."""
    path, notes = site.folder / "hook", site.folder / "notes"
    path.write_text(f"#!/bin/sh\necho \"$1 $2\" >>{notes}\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    notes.touch()
    return path, lambda: notes.read_text().split("\n")[:-1]


def test_a_command_withdraws_the_route(site):
    """It is told at the start, at each change, and after a crash; answers go on."""
    path, notes = hook(site)
    _, control = make(site, after="10s", back_after="1s", how="hook", command=[str(path), "of-us"])
    server = site.start()
    server.wait(lambda: notes() == ["of-us announce"], "it is told to announce")
    control.kill()
    server.wait(lambda: notes()[1:] == ["of-us withdraw"], "and to withdraw")
    server.wait(lambda: serving(server)["command"]["settled"] == "withdraw", "with success")
    assert serving(server)["serving"] is False and serving(server)["how"] == "hook" and count(server, "steerd_withdraw_command_settled") == 1
    assert_answers(server)
    server.kill()
    server.start()
    server.wait(lambda: notes()[2:] == ["of-us withdraw"], "told again after a crash")
    take_over(server)
    server.wait(lambda: notes()[3:] == ["of-us withdraw"], "and after a takeover")
    assert server.reload().status == 200
    control.start()
    server.wait(lambda: notes()[4:] == ["of-us announce"], "it is back; a reload alone tells nothing")
    server.wait(lambda: serving(server)["command"]["settled"] == "announce", "with success")
    assert [change["body"]["turn"] for change in events(server)][-3:] == ["in_touch", "announced", "route_announced"]


def test_a_command_that_fails_is_tried_again(site):
    path, notes = hook(site, f"test -e {site.folder}/works || {{ echo no bird; exit 3; }}")
    make(site, how="hook", command=[str(path)])
    server = site.start()
    server.wait(lambda: serving(server)["command"]["failures"] >= 2, "it failed twice")
    command = serving(server)["command"]
    assert command["settled"] is None and command["outcome"] == "failed" and command["output"] == "no bird"
    assert count(server, "steerd_withdraw_command_settled") == 0 and "FAILED" in server.ctl("serving").stdout
    assert [change["body"]["turn"] for change in events(server)] == ["route_command_failed"], "once, however often"
    (site.folder / "works").touch()
    server.wait(lambda: serving(server)["command"]["settled"] == "announce", "then it succeeds")
    assert serving(server)["command"]["failures"] == 0 and set(notes()) == {"announce "}
    server.ctl("withdraw", "--reason", "x")
    server.wait(lambda: serving(server)["command"]["settled"] == "withdraw", "and is told at once")
    assert_answers(server)
    server.ctl("announce")
    server.wait(lambda: serving(server)["command"]["settled"] == "announce", "and back")


def test_a_command_that_hangs_is_ended(site):
    path, _ = hook(site, "sleep 600")
    make(site, how="hook", command=[str(path)], timeout="300ms")
    server = site.start()
    server.wait(lambda: serving(server)["command"]["outcome"] == "timeout", "its time is over")
    server.stop()


@pytest.mark.parametrize("withdraw", [
    {"after": "5s"}, {"after": 600}, {"back_after": "0s"}, {"how": "bgp"}, {"how": "hook"}, {"command": ["/bin/true"]}, {"how": "hook", "command": ["true"]},
    {"when": "10m"}, {"how": "hook", "command": []}])
def test_what_is_refused(site, withdraw):
    make(site, **withdraw)
    site.write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 1 and "withdraw" in done.stderr, done


def test_a_node_is_cut_off_from_its_peers():
    """One peer, a control target or etcd is enough to be in touch."""
    with nodekit.new_cluster(2) as two:
        two.wire()
        for site in two.sites.values():
            site.server["withdraw"] = {"after": "10s", "back_after": "1s"}
            site.topology["brake"] = {"control": [{"address": kit.new_address(), "check": "web"}]}
            site.write()
        here, there = [two.sites[name].web(two.sites[name].topology["brake"]["control"][0]["address"]) for name in ("ns1", "ns2")]
        two.start().wait_whole()
        two.wait_healthy()
        both = [("ns1", "ns2"), ("ns2", "ns1")]
        two.cut(True, *both)
        one, other = two.servers["ns1"], two.servers["ns2"]
        one.wait(lambda: serving(one)["heard"]["nodes"] == {"known": 1, "heard": 0}, "ns2 is not heard")
        here.kill()
        wait_serving(one, False)  # it sees nothing, and hears of nobody
        told = serving(other)
        assert told["serving"] and not told["cut_off"] and told["heard"]["nodes"]["heard"] == 0 and told["heard"]["controls"]["heard"] == 1
        assert there.process.poll() is None
        assert dns.rcode.SERVFAIL == one.ask("www.example.com").rcode()
        two.wait_answers("us", "ns2")
        two.cut(False, *both)
        wait_serving(one, True)  # one of the two is enough
        two.wait_answers("us")


def test_etcd_is_a_witness():
    with contextlib.ExitStack() as stack:
        cluster = clusterkit.Cluster(stack, 1)
        cluster.sites["ns1"].server["withdraw"] = {"after": "10s", "back_after": "1s"}
        cluster.start()
        node = cluster.nodes["ns1"]
        node.wait(lambda: serving(node)["heard"]["etcd"] == {"known": 1, "heard": 1}, "etcd is heard of")
        assert node.get("/v1/nodes")["cut_off"] is False
        cluster.etcd.members[0].kill()
        wait_serving(node, False)
        assert node.get("/v1/nodes")["cut_off"] is True and "CUT OFF" in node.ctl("nodes").stdout
        assert events(node)[-1]["name"] == "node:ns1"
        cluster.etcd.members[0].restart()
        wait_serving(node, True)
