# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that check, too: enrolment, their lists, their opinions and what follows, and what they may not do."""
import concurrent.futures
import contextlib
import json
import signal
import socket
import ssl
import subprocess
import time

import pytest

import kit
import vantage_client
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import
from vantage_client import Ended, Vantage, invite, row

US, EU = "web-us-east-1a", "web-eu-west-1a"


@pytest.fixture
def scene(site):
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.topology["checks"] = {"web": {"type": "tcp", "port": 9, "interval": "1h", "fall": 3},
                               "agent": {"type": "push", "ttl": "10m"}}
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = ["web", "agent"]
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.us, site.eu = [site.at["us-east-1a"]], [site.at["eu-west-1a"]]
    site.server["start_wait"] = "1ms"
    site.vantages_at = vantage_client.listen(site, quorum="majority", at_least=1, local={"weight": 0})
    site.write()
    site.made = []
    yield site
    for vantage in site.made:
        vantage.close()


def start(scene):
    server = scene.start()
    server.vantages_at = scene.vantages_at
    return server


def make(scene, server, name, **more):
    vantage = Vantage(scene.folder, server, name)
    scene.made.append(vantage)
    return vantage.come(invite(server, name, **more))


def test_an_opinion_moves_answers(scene):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    assert [target["name"] for target in fra.targets] == [f"{US} web ipv4", f"{EU} web ipv4"], "push checks are nobody's"
    assert fra.checks[0]["definition"] == scene.topology["checks"]["web"]
    assert fra.targets[0]["addresses"] == scene.us
    assert server.addresses("www.example.com") == scene.us
    fra.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"}, everything=True)
    server.wait_answers("www.example.com", scene.eu)
    fra.think({f"{US} web ipv4": "up"})
    server.wait_answers("www.example.com", scene.us)
    rows = server.get(f"/v1/checks?endpoint={US}&check=web")["items"]
    turns = [result["outcome"] for result in rows[0]["results"] if result["vantage"] == "fra-1"]
    assert turns == ["ok", "timeout"], "the latest first"
    fra.think({f"{US} web ipv4": "up"}, everything=True)  # the same again is nothing new
    server.wait(lambda: row(server, "fra-1")["opinions"]["heard"] >= 4, "it was heard")
    again = server.get(f"/v1/checks?endpoint={US}&check=web")["items"][0]["results"]
    assert [result["outcome"] for result in again if result["vantage"] == "fra-1"] == turns
    shown = [line.split() for line in server.ctl("checks", US).stdout.splitlines()]
    assert any("fra-1" in line and "timeout" in line for line in shown)
    assert server.get("/v1/status")["vantages"] == {"enrolled": 1, "fresh": 1, "silent": 0, "set_aside": 0, "drained": 0}
    assert "1 fresh" in server.ctl("status").stdout
    server.ctl("vantage", "drain", "fra-1", "--reason", "a test")
    assert server.get("/v1/status")["vantages"]["drained"] == 1 and "1 drained" in server.ctl("status").stdout


def rehearse(server, *names, changes):
    """They do not reach us-east any more: so many names change."""
    server.wait(lambda: all(row(server, name)["opinions"]["heard"] >= 2 for name in ("fra-1", "sin-1", "nyc-1")), "all were heard")
    document = {"from": "live", "duration": "8h", "vantages": {"nyc-1": {"region": "us-east"}},
                "events": [{"at": "0s", "what": f"link:{name}/us-east", "how": "refused"} for name in names]}
    reply = server.request("POST", "/v1/drills", {"mode": "simulate", **document})
    assert reply.status == 200, reply
    report = reply.json
    assert report["names_changed"] == changes, report["text"]
    assert [vantage["name"] for vantage in report["vantages"]] == ["local", "fra-1", "sin-1", "nyc-1"]
    assert "Looked at by local (weight 0), fra-1, sin-1, nyc-1 in us-east" in report["text"]


def test_the_majority_decides(scene):
    server = start(scene)
    fleet = [make(scene, server, name) for name in ("fra-1", "sin-1", "nyc-1")]
    for vantage in fleet:
        vantage.think({f"{US} web ipv4": "up", f"{EU} web ipv4": "up"}, everything=True)
    rehearse(server, "fra-1", changes=0)  # those who are enrolled look, with what they think
    rehearse(server, "fra-1", "sin-1", changes=1)
    fleet[0].think({f"{US} web ipv4": "down"})
    server.wait(lambda: row(server, "fra-1")["opinions"]["down"] == 1, "its opinion")
    rehearse(server, "sin-1", changes=1)
    assert server.addresses("www.example.com") == scene.us, "one of three"
    fleet[1].think({f"{US} web ipv4": "down"})
    server.wait_answers("www.example.com", scene.eu)
    assert server.request("POST", "/v1/vantages/sin-1:drain", {"reason": "its uplink flaps"}).status == 200
    server.wait_answers("www.example.com", scene.us)


def test_enrolment(scene):
    server = start(scene)
    token = invite(server, "fra-1")
    assert token.startswith("v1.fra-1.")
    assert row(server, "fra-1")["state"] == "invited"
    fra, other = Vantage(scene.folder, server, "fra-1"), Vantage(scene.folder, server, "nyc-1")
    scene.made += [fra, other]
    assert "not enrolled" in fra.hello()["why"]
    assert "no vantage of this name" in other.enrol(token)["why"]
    assert "not the one" in fra.enrol(token[:30] + "0" * 8 + token[38:])["why"]
    assert "not the one" in fra.enrol("")["why"]
    fra.come(token)
    assert fra.fingerprint == token.rsplit(".", 1)[1], "by which the vantage knows the server"
    server.wait(lambda: row(server, "fra-1")["state"] == "connected" and row(server, "fra-1")["list"]["current"], "its list")
    other.name = "fra-1"
    assert "not the one" in other.enrol(token)["why"], "it can be used once"
    assert row(server, "fra-1")["software"] == "a test"
    assert server.request("POST", "/v1/vantages", {"name": "local"}).status == 422
    assert server.request("POST", "/v1/vantages", {"name": "a b"}).status == 422
    entries = server.get("/v1/journal?kind=vantage")["items"]
    assert [entry["request"] for entry in entries] == ["enrol with a token", "POST /v1/vantages"]
    assert token.split(".")[2] not in str(entries), "the secret is kept nowhere"


def test_who_shows_nothing_or_another_version_is_refused(scene):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    assert "version 9" in fra.hello(version=9)["why"]
    with pytest.raises((Ended, OSError)):
        fra.connect(certificate=False)
        fra.say("hello", version=1, name="fra-1", software="", run="0" * 16)
        fra.hear("welcome")


def test_a_list_that_is_not_taken(scene):
    """It is said, and not sent again before it has changed; what it thinks of what has not goes on to count."""
    scene.topology["checks"]["other"] = dict(scene.topology["checks"]["web"])
    scene.topology["endpoints"][EU]["checks"].append("other")
    scene.write()
    server = start(scene)
    fra = make(scene, server, "fra-1")
    fra.think({f"{US} web ipv4": "up", f"{EU} web ipv4": "up", f"{EU} other ipv4": "up"}, everything=True)
    targets, generation, why = fra.targets, fra.generation, "found a list of 300000 targets, expected 262144 at most"
    fra.take = lambda kind, body: None
    for check, is_new in (("5s", True), ("5s", False), ("6s", True)):
        scene.topology["checks"]["other"]["timeout"] = check
        offset = len(server.read_log())
        scene.write()
        assert server.reload().status == 200
        if is_new:
            latest = fra.hear("list")["generation"]
            fra.say("untaken", generation=latest, why=why)
            server.wait_log("turn=refuses_list", "name=fra-1", why, offset=offset)
        else:
            server.wait_log("reload", "result=ok", offset=offset)
            told = row(server, "fra-1")["opinions"]["heard"]
            fra.think({f"{US} web ipv4": "up"}, generation=generation)
            server.wait(lambda told=told: row(server, "fra-1")["opinions"]["heard"] > told, "it was heard")
        seen = server.wait(lambda: row(server, "fra-1")["list"]["declined_because"] and row(server, "fra-1"), "it is refused")
        assert seen["list"]["declined_because"] == why and seen["list"]["generation"] == generation and not seen["list"]["current"]
        assert server.read_log()[offset:].count("turn=refuses_list") == is_new
    assert "3+ (list refused)" in server.ctl("vantages").stdout and why in server.ctl("vantage", "show", "fra-1").stdout
    assert row(server, "fra-1")["connections"] == 1 and row(server, "fra-1")["state"] == "connected"
    fra.targets = targets
    fra.think({f"{US} web ipv4": "down"}, generation=generation)
    server.wait_answers("www.example.com", scene.eu)
    scene.topology["checks"]["other"]["timeout"] = "7s"
    scene.write()
    assert server.reload().status == 200
    fra.hear("list")  # behind the rest of the one before
    del fra.take
    fra.take("list", None)
    fra.hear("listed")
    server.wait(lambda: row(server, "fra-1")["list"]["current"], "its list")
    assert row(server, "fra-1")["list"]["declined_because"] is None and "list refused" not in server.ctl("vantages").stdout


def test_a_check_whose_files_are_too_long_for_a_vantage(scene):
    """Nobody is sent what it could not read, and that is said when it is loaded; checks of ours alone may be as long as they are."""
    authorities = scene.folder / "ca.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ca",
                    "-keyout", "/dev/null", "-out", authorities], check=True, capture_output=True)
    text = authorities.read_text()
    authorities.write_text(text + "#" * 250000 + "\n")  # fits into a line, but is longer than a file may be there
    long = {"type": "https", "port": 9, "interval": "1h", "fall": 3, "tls": {"ca": "ca.pem"}}
    scene.topology["checks"].update(long=long, ours={**long, "vantages": ["local"]})
    scene.topology["endpoints"][EU]["checks"] += ["long", "ours"]
    scene.write()
    server = start(scene)
    fra = make(scene, server, "fra-1")
    assert [target["name"] for target in fra.targets] == [f"{US} web ipv4", f"{EU} web ipv4"]
    server.wait_log('check "long": its files take more than vantages are sent')
    assert 'check "ours"' not in server.read_log()
    authorities.write_text(text + "#" * 200000 + "\n")
    assert server.reload().status == 200
    fra.hear("listed")
    assert [target["name"] for target in fra.targets] == [f"{US} web ipv4", f"{EU} web ipv4", f"{EU} long ipv4"]


def test_rename_and_revoke(scene):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    make(scene, server, "sin-1")
    fra.think({f"{US} web ipv4": "down"})
    server.wait_answers("www.example.com", scene.eu)
    assert server.request("POST", "/v1/vantages/fra-1:rename", {"name": "sin-1"}).status == 409
    assert server.request("POST", "/v1/vantages/fra-1:rename", {"name": "fra-9"}).status == 200
    assert row(server, "fra-1") is None and row(server, "fra-9")["state"] == "connected"
    assert server.request("DELETE", "/v1/vantages/fra-9?reason=gone").status == 200
    with pytest.raises(Ended):
        while True:
            fra.hear("never")
    assert "not enrolled" in fra.hello()["why"]
    assert server.request("DELETE", "/v1/vantages/fra-9").status == 404
    assert row(server, "fra-9") is None


def test_a_restart_knows_them(scene):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    fra.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"}, everything=True)
    server.wait_answers("www.example.com", scene.eu)
    server.kill()
    server = start(scene)
    fra.server, fra.generation = server, None
    fra.come()
    fra.think({f"{US} web ipv4": "up"})
    server.wait_answers("www.example.com", scene.us)


def test_a_reload_sends_what_is_new(scene):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    fra.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"}, everything=True)
    server.wait_answers("www.example.com", scene.eu)
    assert server.reload().status == 200
    before = fra.generation
    fra.hear("same")
    assert fra.generation > before
    fra.think({f"{US} web ipv4": "up"}, generation=before)
    server.wait_answers("www.example.com", scene.us)
    scene.topology["checks"]["web"]["port"] = 10
    scene.write()
    assert server.reload().status == 200
    fra.hear("listed")
    assert fra.checks[0]["definition"]["port"] == 10
    fra.think({f"{US} web ipv4": "down"}, generation=before)
    server.wait(lambda: row(server, "fra-1")["opinions"]["outdated"] == 1, "an opinion of another list")
    assert server.addresses("www.example.com") == scene.us
    fra.think({f"{US} web ipv4": "down"})
    server.wait_answers("www.example.com", scene.eu)


def test_a_check_may_be_for_some(scene):
    scene.topology["endpoints"][EU]["vantages"] = ["eu-*"]
    scene.write()
    server = start(scene)
    us, eu = make(scene, server, "us-1"), make(scene, server, "eu-1")
    assert [target["name"] for target in us.targets] == [f"{US} web ipv4"]
    assert [target["name"] for target in eu.targets] == [f"{US} web ipv4", f"{EU} web ipv4"]
    eu.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"})
    us.think({f"{US} web ipv4": "down"})
    server.wait_answers("www.example.com", scene.eu)
    assert server.request("POST", "/v1/vantages/us-1:rename", {"name": "eu-2"}).status == 200
    us.hear("listed")
    assert len(us.targets) == 2


@pytest.mark.parametrize("line", [
    b"garbage\n", b"{}\n", b'{"opinions":{}}\n', b'{"welcome":{"version":1,"server":"","heartbeat_ms":1,"expires_ms":1}}\n',
    b'{"opinions":{"generation":%d,"seq":1,"all":false,"items":[[99,"up",1,"ok",0,0,0]]}}\n', b"x" * 300000 + b"\n",
    b'{"hello":{"version":1,"name":"fra-1","software":"","run":"0000000000000000"}}\n'],
    ids=["garbage", "no kind", "no members", "of a server", "no such target", "too long", "hello again"])
def test_who_says_nonsense_goes(scene, line):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    sin = make(scene, server, "sin-1")
    server.wait(lambda: row(server, "fra-1")["list"]["current"], "its list")
    try:
        fra.say_raw(line % fra.generation if b"%d" in line else line)
        with pytest.raises(Ended):
            fra.hear("never")
    except OSError:
        pass  # it was cut off in the middle of it
    server.wait(lambda: row(server, "fra-1")["state"] == "away", "its end")
    assert row(server, "fra-1")["ended_because"]
    fra.generation = None
    fra.come()
    sin.think({f"{US} web ipv4": "down"})
    fra.think({f"{US} web ipv4": "down"})
    server.wait_answers("www.example.com", scene.eu)


def test_the_later_connection_is_the_one(scene):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    old = fra.tls
    fra.generation = None
    fra.come()
    assert old.recv(65536) is not None
    fra.think({f"{US} web ipv4": "down"})
    server.wait_answers("www.example.com", scene.eu)
    server.wait(lambda: row(server, "fra-1")["connections"] == 2 and row(server, "fra-1")["state"] == "connected", "the later one")


def test_steerctl(scene):
    server = start(scene)
    shown = server.ctl("vantage", "enrol", "fra-1", "--weight", "2").stdout
    token = next(word for word in shown.split() if word.startswith("v1."))
    assert f"steerprobe enrol {token} --server" in shown
    fra = Vantage(scene.folder, server, "fra-1")
    scene.made.append(fra)
    fra.come(token)
    fra.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"})
    server.wait(lambda: row(server, "fra-1")["opinions"]["up"] == 1, "its opinions")
    listed = server.ctl("vantages").stdout
    assert "fra-1" in listed and "connected" in listed
    assert "counts again" not in server.ctl("vantage", "drain", "fra-1", "--reason", "a test").stdout
    assert "drained" in server.ctl("vantages").stdout
    server.ctl("vantage", "undrain", "fra-1")
    server.ctl("vantage", "rename", "fra-1", "fra-2")
    assert "weight" in server.ctl("vantage", "show", "fra-2").stdout
    assert "fra-2" in server.ctl("history", "--limit", "3").stdout
    server.ctl("vantage", "revoke", "fra-2", "--confirm", "fra-2")
    server.ctl("vantage", "show", "fra-2", code=4)
    server.ctl("vantage", "party", "fra-2", code=2)
    server.ctl("vantage", "rename", "fra-2", code=2)


def test_events_and_metrics_tell(scene):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    server.wait_log("kind=vantage", "name=fra-1", "turn=invited")
    server.wait_log("kind=vantage", "name=fra-1", "turn=enrolled")
    server.wait_log("kind=vantage", "name=fra-1", "turn=connected")
    fra.close()
    server.wait_log("kind=vantage", "name=fra-1", "turn=disconnected")


def test_a_check_now_from_there(scene):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    server.wait(lambda: row(server, "fra-1")["list"]["current"], "its list")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(server.request, "POST", f"/v1/checks:run?endpoint={US}&check=web&from=fra-1")
        run = fra.hear("run")
        assert run["identity"] == fra.targets[0]["identity"]
        fra.say("trace", id=run["id"], step="connect", at_us=10, text="192.0.2.1:9")
        fra.say("trace", id=run["id"] + 1, step="connect", at_us=10, text="of another one")
        fra.say("ran", id=run["id"], outcome="refused", detail=0, duration_us=900)
        (item,) = asked.result().json["items"]
        assert (item["outcome"], [step["text"] for step in item["steps"]]) == ("refused", ["192.0.2.1:9"])
        asked = pool.submit(server.ctl, "check", "run", US, "--check", "web", "--from", "fra-1", code=7)
        fra.hear("run")
        fra.close()
        assert "has ended" in asked.result().stdout
    assert "vantage" in server.request("POST", f"/v1/checks:run?endpoint={US}&from=nobody").json["errors"][0]["message"]
    assert server.request("POST", "/v1/vantages", {"name": "new-1", "reason": "x"}).status == 201
    (item,) = server.request("POST", f"/v1/checks:run?endpoint={US}&check=web&from=new-1").json["items"]
    assert [step["step"] for step in item["steps"]] == ["vantage"], "it has never been connected"
    assert 'steerd_vantage_targets{vantage="fra-1"} 2' in server.request("GET", "/metrics").body.decode()


# ---- what strangers and bad vantages may not do ----

def quick(scene, expires="1s"):
    scene.server["vantages"].update(expires=expires, heartbeat="300ms")
    scene.write()
    return start(scene)


def test_strangers_do_not_crowd_out(scene):
    server = start(scene)
    fra = make(scene, server, "fra-1")
    strangers = [socket.create_connection(server.vantages_at) for _ in range(100)]  # none of them ever says a word
    sin = make(scene, server, "sin-1")
    for vantage in (fra, sin):
        vantage.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"})
    server.wait_answers("www.example.com", scene.eu)
    for stranger in strangers:
        stranger.settimeout(vantage_client.LATER)
        try:
            assert stranger.recv(100) == b"", "it has its time, and goes"
        except ConnectionError:
            pass
        stranger.close()
    assert row(server, "fra-1")["connections"] == 1


def test_garbage_is_no_vantage(scene):
    server = start(scene)
    for said in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 2000, b"\0" * 100000):
        with socket.create_connection(server.vantages_at) as stranger:
            stranger.settimeout(vantage_client.LATER)
            try:
                stranger.sendall(said)
                while stranger.recv(1000):
                    pass
            except ConnectionError:
                pass
    make(scene, server, "fra-1").think({f"{US} web ipv4": "down"})
    server.wait_answers("www.example.com", scene.eu)


def test_an_address_that_cannot_be_listened_to_is_tried_again_alone(scene):
    """Where others are listened to they stay, so that nobody who knocks there is turned away; and it is told once."""
    def find_socket(port):
        return next((line.split()[9] for line in open(f"/proc/{server.process.pid}/net/tcp", encoding="ascii")
                     if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"), None)
    address = kit.new_address()
    port = kit.find_port(address)
    other = socket.create_server((address, port))
    scene.server["vantages"]["listen"] = [scene.server["vantages"]["listen"], f"{address}:{port}"]
    scene.write()
    server = start(scene)
    fra = make(scene, server, "fra-1")
    server.wait_log("vantages cannot come", f"{address}:{port}")
    before = find_socket(scene.vantages_at[1])
    assert before is not None
    other.close()
    server.wait_log("vantages can come", f"{address}:{port}")
    assert find_socket(scene.vantages_at[1]) == before
    assert server.read_log().count("vantages cannot come") == 1
    fra.server.vantages_at = (address, port)
    assert "server" in fra.hello()


def test_who_stalls_in_a_line_goes(scene):
    server = quick(scene)
    fra = make(scene, server, "fra-1")
    fra.say_raw(b'{"alive":{"generation":1')
    server.wait(lambda: row(server, "fra-1")["state"] == "away", "its end")
    assert row(server, "fra-1")["ended_because"] == "nothing was heard of it"


def test_a_server_that_was_held_up_asks_them_to_come_again(scene):
    """What they have said does not count any more, so they have to say it anew; and heartbeats were on time."""
    server = quick(scene)
    fra = make(scene, server, "fra-1")
    fra.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"})
    server.wait_answers("www.example.com", scene.eu)
    server.process.send_signal(signal.SIGSTOP)
    for _ in range(6):
        time.sleep(0.25)
        fra.live()
    server.process.send_signal(signal.SIGCONT)
    with pytest.raises(Ended):
        while True:
            fra.hear("never")
    server.wait(lambda: row(server, "fra-1")["state"] == "away", "its end")
    assert "for too long" in row(server, "fra-1")["ended_because"]
    fra.generation = None
    fra.come()
    fra.think({f"{US} web ipv4": "up"})
    server.wait_answers("www.example.com", scene.us)


def test_who_floods_waits(scene):
    server = start(scene)
    fra, sin = make(scene, server, "fra-1"), make(scene, server, "sin-1")
    one = json.dumps({"opinions": {"generation": fra.generation, "seq": 1, "all": False,
                                   "items": [[0, "up", 1, "ok", 0, 0, 0], [1, "up", 1, "ok", 0, 0, 0]] * 500}}).encode() + b"\n"
    fra.tls.settimeout(0.05)
    said = 0
    for _ in range(40):  # 40,000 a tick and more
        try:
            fra.say_raw(one)
            said += 1
        except (TimeoutError, ssl.SSLError):
            break
    fra.tls.settimeout(vantage_client.LATER)
    for verdict, expected in (("down", scene.eu), ("up", scene.us)):
        sin.think({f"{US} web ipv4": verdict, f"{EU} web ipv4": "up"})
        if verdict == "down":
            server.request("POST", "/v1/vantages/fra-1:drain", {"reason": "it floods"})
        server.wait_answers("www.example.com", expected)
    assert said > 0


def test_who_takes_nothing_goes(scene):
    for i in range(40000):  # more than the kernel takes for it
        scene.topology["endpoints"][f"more-{i}"] = {"az": "eu-west-1a", "addresses": f"10.1.{i >> 8}.{i & 255}", "checks": "web"}
    server = quick(scene, "4s")
    fra = Vantage(scene.folder, server, "fra-1")
    scene.made.append(fra)
    assert fra.enrol(invite(server, "fra-1")) == {"name": "fra-1"}
    fra.close()
    fra.room = 4096
    assert "server" in fra.hello()
    end = time.monotonic() + vantage_client.LATER
    with contextlib.suppress(OSError):  # to ask the server in between may take long: it makes a list of 40,000 meanwhile
        while time.monotonic() < end:
            fra.live()
            time.sleep(0.1)
    server.wait(lambda: row(server, "fra-1")["state"] == "away", "its end")
    assert row(server, "fra-1")["ended_because"] == "it takes nothing"


def test_a_reload_amid_the_list(scene):
    for i in range(3000):
        scene.topology["endpoints"][f"more-{i}"] = {"az": "eu-west-1a", "addresses": f"10.1.{i >> 8}.{i & 255}", "checks": "web"}
    scene.write()
    server = start(scene)
    fra = Vantage(scene.folder, server, "fra-1")
    scene.made.append(fra)
    assert fra.enrol(invite(server, "fra-1")) == {"name": "fra-1"}
    fra.close()
    fra.hello()
    fra.hear("targets")
    for port in (10, 11):
        scene.topology["checks"]["web"]["port"] = port
        scene.write()
        assert server.reload().status == 200
    generation = server.get("/v1/status")["generation"]
    while fra.generation != generation:
        fra.hear("listed")
    assert fra.checks[0]["definition"]["port"] == 11 and len(fra.targets) == 3002
    server.wait(lambda: row(server, "fra-1")["list"]["current"], "the list")
    fra.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"})
    server.wait_answers("www.example.com", scene.eu)


def test_a_takeover_sends_them_on(scene, reaper):  # noqa: F811  pylint: disable=redefined-outer-name,unused-argument
    server = start(scene)
    fra = make(scene, server, "fra-1")
    fra.think({f"{US} web ipv4": "down", f"{EU} web ipv4": "up"})
    server.wait_answers("www.example.com", scene.eu)
    take_over(server)
    with pytest.raises((Ended, OSError)):
        while True:
            fra.hear("never")
    assert server.addresses("www.example.com") == scene.eu, "a verdict stands"
    fra.generation = None
    server.wait(lambda: "server" in fra.hello(), "the new process")
    server.wait_log("disconnected", "fra-1", "another process takes over")
    fra.hear("listed")
    fra.think({f"{US} web ipv4": "up"})
    server.wait_answers("www.example.com", scene.us)
