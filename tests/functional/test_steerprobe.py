# SPDX-License-Identifier: BSD-3-Clause
"""steerprobe with a server that is made of what a test says: enrolling, what it tells and when, and what it makes of a
server that is away, slow, an impostor or talks nonsense."""
import collections
import contextlib
import os
import pathlib
import resource
import signal
import stat
import subprocess
import tempfile
import threading

import pytest

import kit
import vantagekit

Scene = collections.namedtuple("Scene", "folder identity server probe webs")
HTTP = {"type": "http", "port": kit.WEB_PORT, "path": "/", "interval": "100ms", "timeout": "100ms", "fall": 2, "rise": 2}


@pytest.fixture(scope="session")
def identities():
    with tempfile.TemporaryDirectory(prefix="steerprobe.") as folder:
        yield [vantagekit.Identity(pathlib.Path(folder), name) for name in ("one", "two")]


@pytest.fixture
def scene(identities):
    with tempfile.TemporaryDirectory(prefix="steerprobe.") as name:
        folder = pathlib.Path(name)
        made = Scene(folder, identities[0], vantagekit.FakeServer(identities[0]), vantagekit.Probe(folder / "state"), [])
        try:
            yield made
        finally:
            made.server.close()
            for web in made.webs:
                web.close()
            made.probe.close()


def start_web(scene):
    """A web server; returns its address."""
    web = kit.Web(kit.new_address())
    scene.webs.append(web)
    return web.addresses[0]


def start(scene):
    """An enrolled steerprobe, and its connection."""
    scene.server.enrol(scene.probe)
    scene.probe.start()
    connection = scene.server.accept()
    connection.greet()
    return connection


# ---- enrolling ----

def test_the_state_folder_is_its_owners_only(scene):
    scene.server.enrol(scene.probe)
    file = scene.probe.folder / "servers" / f"{scene.server.place}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(scene.probe.folder.stat().st_mode) == 0o700
    assert "BEGIN PRIVATE KEY" in file.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_what_root_enrols_belongs_to_who_has_the_folder(scene):
    scene.probe.folder.mkdir(mode=0o700)
    os.chown(scene.probe.folder, 65534, 65534)
    scene.server.enrol(scene.probe)
    servers = scene.probe.folder / "servers"
    assert servers.stat().st_uid == 65534
    assert next(servers.iterdir()).stat().st_uid == 65534


def test_an_impostor_is_not_enrolled_with(scene, identities):
    thread = threading.Thread(target=lambda: scene.server.accept().is_closed())
    thread.start()
    done = scene.probe.enrol(identities[1].token("fra-1"), scene.server.place, code=1)
    thread.join()
    assert "this is not the server that made the token" in done.stderr and identities[1].fingerprint in done.stderr
    assert not (scene.probe.folder / "servers").exists()


def test_a_refusal_is_told(scene):
    def serve():
        connection = scene.server.accept()
        connection.expect("enrol")
        connection.say(refused={"why": "the token has expired"})
        connection.is_closed()
    thread = threading.Thread(target=serve)
    thread.start()
    done = scene.probe.enrol(scene.identity.token("fra-1"), scene.server.place, code=1)
    thread.join()
    assert "refused: the token has expired" in done.stderr and not (scene.probe.folder / "servers").exists()


@pytest.mark.parametrize("token", ["", "v1", "v1.fra.00.11", "v2.fra-1." + "0" * 32 + "." + "1" * 64,
                                   "v1..." + "1" * 64, "v1.fra-1." + "0" * 32 + "." + "1" * 63,
                                   "v1.-x." + "0" * 32 + "." + "1" * 64, "v1." + "0" * 32 + "." + "1" * 64])
def test_what_is_no_token(scene, token):
    assert "this is no token" in scene.probe.enrol(token, scene.server.place, code=2).stderr


def test_a_token_is_not_used_up_where_there_is_no_room_for_what_it_is_worth(scene):
    """The disk is full before anybody is asked: a limit of the length of files does what a full disk does."""
    def fill():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    token, folder = scene.identity.token("fra-1"), scene.probe.folder
    scene.server.sock.setblocking(False)
    done = vantagekit.run_probe("enrol", token, "--server", scene.server.place, "--state", folder, code=1, preexec_fn=fill)
    assert f"the state folder {folder}: File too large" in done.stderr
    with pytest.raises(BlockingIOError):
        scene.server.sock.accept()
    assert not folder.exists()
    scene.server.sock.settimeout(kit.PATIENCE_S)
    scene.server.enrol(scene.probe)
    assert [path.name for path in (folder / "servers").iterdir()] == [f"{scene.server.place}.json"]


def test_nobody_is_there(scene):
    scene.server.stop_listening()
    assert "cannot be reached" in scene.probe.enrol(scene.identity.token("a.b"), scene.server.place, code=3).stderr


def test_usage():
    for words in (["what"], ["enrol"], ["enrol", "x"], ["status", "x"], ["--nonsense"], ["forget"]):
        assert "usage:" in vantagekit.run_probe(*words, code=2).stderr or words == ["--nonsense"]
    assert "no steerprobe runs" in vantagekit.run_probe("status", "--state", "/nonexistent", code=3).stderr


# ---- what it tells ----

def test_changes_at_once_and_everything_at_heartbeats(scene):
    good, connection = start_web(scene), start(scene)
    taken = connection.list(7, [HTTP], [{"addresses": [good]}, {"addresses": [kit.new_address()]}])
    assert taken == {"generation": 7, "refused": []}
    assert connection.expect_opinion(0, "up", 7)[3] == "ok"
    assert connection.expect_opinion(1, "down", 7)[3] == "refused"
    scene.webs[0].kill()
    index, verdict, streak, outcome, _, _, age_ms = connection.expect_opinion(0, "down", 7)
    assert streak >= 2 and outcome == "refused" and age_ms < 60000
    before = connection.expect("alive")
    assert connection.expect("opinions", lambda content: content["all"])["items"][0][1] == "down"
    assert connection.expect("alive")["seq"] > before["seq"]
    scene.probe.wait_log("verdict", "verdict=down", "was=up", "target=\"target 0\"")


def test_a_new_list_keeps_what_is_known_of_what_stays(scene):
    good, connection = start_web(scene), start(scene)
    slow = {**HTTP, "interval": "1h"}
    connection.list(1, [slow], [{"addresses": [good]}])
    connection.expect_opinion(0, "up", 1)
    connection.list(2, [slow], [{"identity": "00000000000000ff", "addresses": [start_web(scene)]},
                                {"identity": "0000000000000001", "addresses": [good]}])
    assert connection.expect("opinions", lambda content: content["generation"] == 2)["items"][1][1] == "up", \
        "it is known before it could have been checked again"
    connection.expect_opinion(0, "up", 2)
    connection.say(same={"generation": 3})
    connection.expect("taken", lambda taken: taken["generation"] == 3)
    connection.expect_opinion(1, "up", 3)


def test_a_check_that_is_not_known_is_refused_alone(scene):
    good, connection = start_web(scene), start(scene)
    taken = connection.list(1, [{"type": "telepathy", "port": 1}, HTTP],
                            [{"check": 0, "addresses": [good]}, {"check": 1, "addresses": [good]}])
    (refused,) = taken["refused"]
    assert refused["check"] == 0 and "telepathy" in refused["why"]
    connection.expect_opinion(1, "up")
    assert connection.expect("opinions", lambda content: content["all"])["items"][0][1] == "none"
    scene.probe.wait_log("check refused", "telepathy")


def test_no_file_of_this_host_is_read_for_a_check(scene):
    connection = start(scene)
    tls = {"type": "https", "port": 443, "tls": {"ca": str(scene.identity.certificate)}}
    taken = connection.list(1, [tls, (tls, {str(scene.identity.certificate): scene.identity.certificate.read_text()})],
                            [{"addresses": ["127.0.0.1"]}])
    (refused,) = taken["refused"]
    assert refused["check"] == 0 and "did not come with the check" in refused["why"]


def test_addresses_of_a_host_name_follow(scene):
    good, connection = start_web(scene), start(scene)
    connection.list(4, [HTTP], [{"in_turn": True, "host": "a.example", "addresses": [kit.new_address()]},
                                {"in_turn": True, "host": "b.example", "addresses": [], "idle": True}])
    connection.expect_opinion(0, "down")
    connection.say(aim={"generation": 4, "items": [{"index": 0, "addresses": [good], "idle": False},
                                                   {"index": 1, "addresses": [good], "idle": False}]})
    connection.expect_opinion(0, "up")
    connection.expect_opinion(1, "up")
    connection.say(aim={"generation": 4, "items": [{"index": 1, "addresses": [], "idle": True}]})
    connection.expect_opinion(1, "none")
    connection.say(aim={"generation": 3, "items": [{"index": 9, "addresses": [], "idle": True}]})  # of another list
    connection.expect("alive")


def test_run_shows_every_step(scene):
    good, connection = start_web(scene), start(scene)
    connection.list(1, [HTTP], [{"addresses": [good]}])
    connection.say(run={"id": 5, "identity": "0000000000000001"})
    steps = []
    while True:
        kind, content = connection.hear()
        if kind == "trace":
            steps.append(content["step"])
            assert content["id"] == 5
        if kind == "ran":
            break
    assert content["id"] == 5 and content["outcome"] == "ok" and content["detail"] == 200
    assert steps[:3] == ["connect", "connected", "sent"] and "received" in steps
    connection.say(run={"id": 6, "identity": "00000000000000aa"})
    assert "nothing to check" in connection.expect("trace", lambda trace: trace["id"] == 6)["text"]
    assert connection.expect("ran", lambda ran: ran["id"] == 6)["outcome"] == "local_error"


# ---- while a server is away ----

def test_a_server_that_calls_itself_something_odd(scene):
    """What terminals obey, or what reorders text, is shown as "?"."""
    scene.server.enrol(scene.probe)
    scene.probe.start()
    scene.server.accept().greet(server="fa\u202eke\x1b[2J")
    scene.probe.wait_log("server connected")
    said = vantagekit.run_probe("status", "--state", scene.probe.folder).stdout
    assert "fa???ke?[2J" in said, said


def test_it_goes_on_while_the_server_is_away(scene):
    good, connection = start_web(scene), start(scene)
    connection.list(1, [HTTP], [{"addresses": [good]}])
    connection.expect_opinion(0, "up")
    scene.server.stop_listening()
    connection.close()
    scene.probe.wait_log("server lost")
    scene.webs[0].kill()
    scene.probe.wait_log("verdict", "verdict=down")
    scene.server.listen()
    again = scene.server.accept()
    again.greet()
    again.list(1, [HTTP], [{"addresses": [good]}])
    first = again.expect("opinions")
    assert first["items"][0][1] == "down", "the latest, and only that"
    assert scene.probe.status()["servers"][0]["connections"] == 2


def test_a_silent_server_is_left(scene):
    connection = start(scene)
    connection.list(1, [HTTP], [])
    scene.probe.wait_log("server lost", "nothing was heard of it for 2000 ms")
    scene.server.accept().greet()


def test_another_certificate_is_not_talked_to(scene, identities):
    connection = start(scene)
    address, port = scene.server.address, scene.server.port
    scene.server.close()
    impostor = vantagekit.FakeServer(identities[1], address, port)
    try:
        met = impostor.accept()
        assert met.is_closed()
        scene.probe.wait_log("server not reached", "fingerprint")
    finally:
        impostor.close()
    assert connection.is_closed()


@pytest.mark.parametrize("octets", [
    b"what\n", b"{}\n", b"\n", b"\xff\xfe\n", b'{"alive":1}\n', b'{"enrolled":{"name":"x"}}\n',
    b'{"same":{"generation":9}}\n', b'{"listed":{"generation":9}}\n', b'{"list":{"generation":9,"count":1048576}}\n',
    b'{"list":{"generation":9,"count":1}}\n{"listed":{"generation":9}}\n',
    b'{"list":{"generation":9,"count":1}}\n{"check":{"index":1,"definition":{},"files":{}}}\n',
    b'{"list":{"generation":9,"count":1}}\n{"targets":[{"identity":"0000000000000001","check":0,"name":"x","in_turn":false,'
    b'"idle":false,"addresses":["127.0.0.1"]}]}\n',
    b'{"refused":{"why":"revoked"}}\n', b"[" * 200000 + b"\n", b"x" * 300000],
    ids=lambda octets: octets[:40].decode(errors="replace"))
def test_nonsense_ends_the_connection_with_a_reason(scene, octets):
    connection = start(scene)
    connection.list(1, [HTTP], [{"addresses": [kit.new_address()]}])
    connection.expect_opinion(0, "down")
    with contextlib.suppress(OSError):  # it may have heard enough before all is said
        connection.say_bytes(octets)
    assert connection.is_closed()
    line = scene.probe.wait_log("server lost", "why=")
    assert len(line) < 600
    again = scene.server.accept()  # it comes back, and has lost nothing
    again.greet()
    again.list(1, [HTTP], [{"addresses": [kit.new_address()]}])


def test_a_list_that_is_too_long_is_refused_and_the_one_before_stays(scene):
    good, connection = start_web(scene), start(scene)
    connection.list(1, [HTTP], [{"addresses": [good]}])
    connection.expect_opinion(0, "up")
    connection.say(list={"generation": 2, "count": 262145})
    connection.say(check={"index": 0, "definition": HTTP, "files": {}})
    connection.say(targets=[{"identity": f"{number + 1:016x}", "check": 0, "name": "x", "in_turn": False, "idle": False,
                             "addresses": ["127.0.0.1"]} for number in range(500)])
    said = connection.expect("untaken")
    assert said == {"generation": 2, "why": "found a list of 262145 targets, expected 262144 at most"}
    connection.say(listed={"generation": 2})
    line = scene.probe.wait_log("list refused", "generation=2", "expected 262144 at most")
    assert "server lost" not in line
    assert scene.probe.status()["servers"][0]["list_refused"] == said["why"]
    assert "list refused found a list" in vantagekit.run_probe("status", "--state", scene.probe.folder).stdout
    scene.webs[0].kill()
    connection.expect_opinion(0, "down", 1)
    connection.say(list={"generation": 3, "count": 1})
    for number in range(4097):
        connection.say(check={"index": number, "definition": HTTP, "files": {}})
    assert connection.expect("untaken") == {"generation": 3, "why": "found a list of more than 4096 checks"}
    assert connection.list(4, [HTTP], [{"addresses": [good]}]) == {"generation": 4, "refused": []}
    assert "list_refused" not in scene.probe.status()["servers"][0]
    connection.say(same={"generation": 5})
    connection.expect("taken", lambda taken: taken["generation"] == 5)
    assert scene.probe.status()["servers"][0]["connections"] == 1


def test_more_refused_checks_than_a_line_has_room_for(scene):
    connection = start(scene)
    taken = connection.list(1, [{"type": "later", "x" * 300: 1}] * 4000 + [HTTP], [{"addresses": [kit.new_address()], "check": 4000}])
    assert len(taken["refused"]) == 100 and taken["more"] == 3900
    connection.expect_opinion(0, "down")
    assert scene.probe.status()["servers"][0]["list"]["refused"] == 4000


def test_what_a_later_version_says_is_passed_over(scene):
    connection = start(scene)
    connection.say(later={"what": [1, 2]})
    connection.list(1, [HTTP], [{"addresses": [kit.new_address()]}])
    connection.expect_opinion(0, "down")
    assert "server lost" not in scene.probe.read_log()


def test_garbage_in_place_of_tls(scene):
    start(scene)
    address, port = scene.server.address, scene.server.port
    scene.server.close()
    with kit.socket.create_server((address, port)) as bare:
        bare.settimeout(kit.PATIENCE_S)
        for _ in range(3):
            met = bare.accept()[0]
            met.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            met.close()
    scene.probe.wait_log("server not reached")


# ---- what is known of servers ----

@pytest.mark.parametrize("how", ["folder", "file", "garbage"])
def test_an_enrolment_that_cannot_be_read_any_more_is_not_forgotten(scene, how):
    """Whoever lets it forget a server takes the file away, and nothing else."""
    scene.server.enrol(scene.probe)
    scene.probe.start()
    connection = scene.server.accept()
    connection.greet(expires_ms=60000)
    servers = scene.probe.folder / "servers"
    file = next(servers.iterdir())
    kept = file.read_bytes()
    if how == "folder":
        servers.rename(scene.probe.folder / "elsewhere")
    elif how == "file":
        link = servers / "link"
        link.symlink_to("nowhere")
        link.replace(file)
    else:
        file.write_text("{")
    scene.probe.wait_log("enrolment not readable any more")
    assert scene.probe.status()["servers"][0]["connections"] == 1
    connection.say(alive={"generation": 0, "seq": 1})
    connection.expect("alive")
    if how == "folder":
        (scene.probe.folder / "elsewhere").rename(servers)
    (servers / "new").write_bytes(kept)
    (servers / "new").replace(file)
    file.unlink()
    scene.probe.wait_log("server forgotten")


# ---- several servers ----

def test_two_servers_share_checks_and_not_opinions(scene, identities):
    good = start_web(scene)
    other = vantagekit.FakeServer(identities[1])
    try:
        scene.server.enrol(scene.probe)
        other.enrol(scene.probe)
        scene.probe.start()
        one, two = scene.server.accept(), other.accept()
        for connection in (one, two):
            connection.greet()
        one.list(1, [HTTP], [{"addresses": [good]}])
        two.list(8, [{**HTTP, "fall": 100}], [{"addresses": [kit.new_address()]}, {"addresses": [good]}])
        one.expect_opinion(0, "up")
        two.expect_opinion(1, "up")
        status = scene.probe.status()
        assert status["checks"]["targets"] == 3 and status["checks"]["checks"] == 2, "one check for both"
        scene.webs[0].kill()
        one.expect_opinion(0, "down")
        assert two.expect("opinions", lambda content: content["all"])["items"][1][1] == "up", "its fall is 100"
        vantagekit.run_probe("forget", scene.server.place, "--state", scene.probe.folder)
        assert one.is_closed()
        scene.probe.wait_log("server forgotten")
        two.expect("alive")
        assert [server["server"] for server in scene.probe.status()["servers"]] == [other.place]
        text = vantagekit.run_probe("status", "--state", scene.probe.folder).stdout
        assert "connected for" in text and "2 targets, 1 checks, generation 8" in text
        vantagekit.run_probe("forget", scene.server.place, "--state", scene.probe.folder, code=4)
    finally:
        other.close()


def test_the_least_of_the_limits_of_all_servers_holds(scene, identities):
    """And those of a server that is forgotten do no more."""
    other = vantagekit.FakeServer(identities[1])

    def wait_limits(**limits):
        scene.probe.wait(lambda: scene.probe.status()["checks"]["limits"] == limits, f"{limits}")
    try:
        scene.server.enrol(scene.probe)
        other.enrol(scene.probe)
        scene.probe.start()
        one, two = scene.server.accept(), other.accept()
        for connection in (one, two):
            connection.greet()
        wait_limits()
        one.say(limits={"in_flight": 7, "per_address": 0, "per_second": 500})
        wait_limits(in_flight=7, per_second=500)
        two.say(limits={"in_flight": 9, "per_address": 2, "per_second": 100})
        wait_limits(in_flight=7, per_address=2, per_second=100)
        assert "per_address 2" in vantagekit.run_probe("status", "--state", scene.probe.folder).stdout
        one.list(1, [HTTP], [{"addresses": [start_web(scene)]}])
        one.expect_opinion(0, "up")
        wait_limits(in_flight=7, per_address=2, per_second=100)
        vantagekit.run_probe("forget", other.place, "--state", scene.probe.folder)
        wait_limits(in_flight=7, per_second=500)
        one.say(limits={"in_flight": 0, "per_address": 0, "per_second": 0})
        wait_limits()
    finally:
        other.close()


def test_an_enrolment_is_followed_while_it_runs(scene):
    scene.probe.start()
    scene.probe.wait_log("enrolled with no server")
    assert scene.probe.status()["servers"] == []
    scene.server.enrol(scene.probe)
    assert scene.server.accept().greet()["name"] == "fra-1"


def test_a_broken_file_does_not_keep_others_from_being_used(scene):
    scene.server.enrol(scene.probe)
    (scene.probe.folder / "servers/broken.example:1.json").write_text('{"server": "broken.example:x", "name": 1}')
    scene.probe.start()
    scene.server.accept().greet()
    scene.probe.wait_log("enrolment cannot be used", "broken.example")


def test_only_one_runs_with_a_folder(scene):
    scene.probe.start()
    done = vantagekit.run_probe("--state", scene.probe.folder, code=1)
    assert "another steerprobe runs with it" in done.stderr


def test_it_takes_all_descriptors_that_it_may_have(scene):
    """And so many checks at a time, whatever the shell says that it was started from."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(scene.probe.log_path, "ab") as log:
        scene.probe.process = subprocess.Popen([str(vantagekit.STEERPROBE), "--state", str(scene.probe.folder)], stderr=log,
                                               stdin=subprocess.DEVNULL, env=kit.make_environment(),
                                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard)))
    scene.probe.wait_log("started")
    assert resource.prlimit(scene.probe.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)


def test_stopped_and_continued(scene):
    good, connection = start_web(scene), start(scene)
    connection.list(1, [HTTP], [{"addresses": [good]}])
    connection.expect_opinion(0, "up")
    scene.probe.send(signal.SIGSTOP)
    scene.webs[0].kill()
    with pytest.raises(OSError):
        connection.sock.settimeout(3)
        while True:
            connection.hear()
    connection.close()
    scene.probe.send(signal.SIGCONT)
    again = scene.server.accept()
    again.greet()
    again.list(1, [HTTP], [{"addresses": [good]}])
    again.expect_opinion(0, "down")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_it_needs_no_rights(scene):
    good = start_web(scene)
    os.chmod(scene.folder, 0o755)
    program, = kit.copy_for_others(scene.folder, vantagekit.STEERPROBE)
    scene.probe.folder.mkdir(mode=0o700)
    os.chown(scene.probe.folder, 65534, 65534)
    scene.server.enrol(scene.probe)
    with open(scene.probe.log_path, "ab") as log:
        scene.probe.process = subprocess.Popen([str(program), "--state", str(scene.probe.folder)], stderr=log, cwd="/",
                                               stdin=subprocess.DEVNULL, env=kit.make_environment(), user=65534, group=65534,
                                               extra_groups=[])
    connection = scene.server.accept()
    connection.greet()
    connection.list(1, [HTTP], [{"addresses": [good]}])
    connection.expect_opinion(0, "up")
