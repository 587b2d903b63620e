# SPDX-License-Identifier: BSD-3-Clause
"""src/etcd and steerd-etcd beside a real etcd of one member: what can be asked, and what is said when it does not work."""
import array
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

import etcdkit
import kit
import pytest

NOT_FOUND, CONFLICT, INVALID, TOO_LARGE = -1998, -1997, -1999, -1996


@pytest.fixture(scope="module", name="etcd")
def fixture_etcd():
    with etcdkit.Etcd() as etcd:
        yield etcd


@pytest.fixture(name="client")
def fixture_client(etcd):
    with etcdkit.Client(etcd) as client:
        yield client


def test_values(etcd, client):
    """What one writes the other reads, of every size."""
    first = client.good("put", "a/one", "eins")
    assert etcd.get("a/one") == "eins" and first["endpoint"] == etcd.urls[0] and not first["may_have_effect"]
    etcd.ctl("put", "a/two", '{"ünï": "\\u0001 zwei"}')
    found = client.good("get", "a/two")
    assert [kv["value"] for kv in found["kvs"]] == ['{"ünï": "\\u0001 zwei"}'] and found["kvs"][0]["version"] == 1
    assert client.good("get", "a/none")["kvs"] == []
    assert client.good("get", "a/one", first["revision"])["kvs"][0]["mod"] == first["revision"]
    for size in 0, 1, 2, 3, 767, 768, 769, 100000, 1 << 20:
        client.good("fill", "a/big", size)
        assert len(etcd.get("a/big")) == size and len(client.good("get", "a/big")["kvs"][0]["value"]) == size
    client.good("delete", "a/big")
    assert etcd.get("a/big") == ""


def test_conditions(client):
    made = client.good("create", "c/key", "first")
    again = client.do("create", "c/key", "second")
    assert again["error"] == CONFLICT and again["kvs"][0]["value"] == "first" and not again["may_have_effect"]
    assert client.do("swap", "c/key", made["revision"] + 100, "third")["error"] == CONFLICT
    client.good("swap", "c/key", made["revision"], "third")
    assert client.do("same", "c/key", "first", "fourth")["error"] == CONFLICT
    client.good("same", "c/key", "third", "fourth")
    assert client.good("get", "c/key")["kvs"][0]["value"] == "fourth"


def test_lists_in_pages(client):
    client.good("fill", "list/", 5, 100)
    client.good("put", "list0", "behind")
    client.good("put", "lisa", "before")
    keys, after = [], ""
    while True:
        page = client.good("list", "list/", 30, *([after] if after else []))
        keys += [kv["key"] for kv in page["kvs"]]
        after = keys[-1]
        if not page["more"]:
            break
    assert keys == sorted(f"list/{number}" for number in range(100))
    assert len(client.good("list", "list/")["kvs"]) == 100


def test_what_is_none(etcd, client):
    """etcd's refusals, and ours, are told as what they are."""
    assert client.do("put", "", "value")["error"] == INVALID
    assert client.do("fill", "k" * 4000, 1)["error"] == INVALID
    assert client.do("fill", "many/", 1, 129)["error"] == TOO_LARGE
    assert client.do("fill", "large", 2_000_000)["error"] == INVALID  # etcd: request is too large
    answer = client.do("fill", "large", 2_800_000)  # more than etcd's gRPC takes: it is said there, and is final
    assert answer["error"] == TOO_LARGE and not answer["may_have_effect"], answer
    assert client.do("fill", "large", 5_000_000)["error"] == TOO_LARGE
    assert client.do("get", "key", 10**9)["error"] == INVALID  # a revision of the future
    assert client.do("put", "key", "value", 4711)["error"] == NOT_FOUND  # no such lease
    client.say("brief")
    for number in range(10):
        client.good("fill", f"huge/{number}", 1_000_000)
    assert client.do("list", "huge/")["error"] == TOO_LARGE
    assert len(client.good("list", "huge/", 5)["kvs"]) == 5
    assert etcd.get("key") == ""


def test_leases(etcd, client):
    lease = client.good("grant", 60)
    assert lease["ttl"] == 60
    client.good("put", "lease/kept", "x", lease["lease"])
    assert client.good("get", "lease/kept")["kvs"][0]["lease"] == lease["lease"]
    assert client.good("keep", lease["lease"])["ttl"] == 60
    client.good("revoke", lease["lease"])
    assert etcd.get("lease/kept") == ""
    assert client.do("keep", lease["lease"])["error"] == NOT_FOUND
    assert client.do("revoke", lease["lease"])["error"] == NOT_FOUND
    short = client.good("grant", 1)["lease"]
    client.good("put", "lease/lost", "x", short)
    kit.wait_for(lambda: client.good("get", "lease/lost")["kvs"] == [], "the lease has expired")


def test_watch(etcd, client):
    """All changes since a revision, then each one as it comes; of this prefix alone."""
    since = client.good("put", "w/0", "old")["revision"]
    client.good("put", "w/1", "between")
    number = client.watch("w/", since)
    client.wait_told(number, "begun")
    etcd.ctl("put", "w/2", "new")
    etcd.ctl("put", "x/2", "other")
    etcd.ctl("del", "w/1")
    kit.wait_for(lambda: len(client.changes(number)) >= 4, "four changes")
    found = [(change["key"], change["value"], change["delete"]) for change in client.changes(number)]
    assert found == [("w/0", "old", False), ("w/1", "between", False), ("w/2", "new", False), ("w/1", "", True)]
    revisions = [change["mod"] for change in client.changes(number)]
    assert revisions == sorted(revisions)
    late = client.watch("w/")
    begun = client.wait_told(late, "begun")["revision"]
    last = client.good("put", "w/3", "last")["revision"]
    client.wait_told(late, "changed")
    assert [change["mod"] for change in client.changes(late)] == [last] and last == begun + 1
    client.say("off", number)
    client.good("put", "w/4", "unheard")
    kit.wait_for(lambda: len(client.changes(late)) == 2, "the other watch hears it")
    assert not [change for change in client.changes(number) if change["key"] == "w/4"]


def test_compacted(etcd, client):
    first = client.good("put", "old/key", "1")["revision"]
    last = client.good("put", "old/key", "2")["revision"]
    etcd.ctl("compaction", last)
    number = client.watch("old/", first)
    assert client.wait_told(number, "ended")["error"] == NOT_FOUND
    assert client.do("get", "old/key", first)["error"] == NOT_FOUND
    assert client.good("get", "old/key")["kvs"][0]["value"] == "2"


def test_much_at_once(client):
    """A thousand requests, none of which waits for another; those beyond are refused and not kept."""
    numbers = [client.ask("put", f"much/{number}", number) for number in range(900)]
    answers = [client.wait(number) for number in numbers]
    assert not [answer for answer in answers if answer["error"] != 0]
    client.say("brief")
    number = client.watch("fat/")
    client.wait_told(number, "begun")
    for key in range(30):
        client.good("fill", f"fat/{key}", 1_000_000)
    kit.wait_for(lambda: len(client.changes(number)) == 30, "all values")
    # from the beginning: etcd sends it in pieces
    again = client.watch("fat/", client.changes(number)[0]["mod"])
    kit.wait_for(lambda: len(client.changes(again)) == 30, "all values again")
    assert [change["key"] for change in client.changes(again)] == [f"fat/{key}" for key in range(30)]
    assert {change["value"] for change in client.changes(again)} == {1_000_000}


def test_steerd_etcd_is_killed(etcd, client):
    """Watches go on without a gap, and what is asked meanwhile is answered."""
    number = client.watch("kill/")
    client.wait_told(number, "begun")
    for turn in range(3):
        client.good("put", f"kill/{turn}", "x")
        os.kill(kit.wait_for(client.find_program, "steerd-etcd runs"), signal.SIGKILL)
        etcd.ctl("put", f"kill/{turn}", "y")
        assert client.do("get", f"kill/{turn}")["kvs"][0]["value"] == "y"
        client.wait_told(number, "begun", turn + 2)
    kit.wait_for(lambda: len(client.changes(number)) == 6, "each change, once")
    assert [change["value"] for change in client.changes(number)] == ["x", "y"] * 3
    assert client.status()["restarts"] == 3


def test_steerd_etcd_is_stopped(client):
    """One that does not answer is as good as dead."""
    client.good("put", "stop/key", "x")
    stopped = client.find_program()
    os.kill(stopped, signal.SIGSTOP)
    client.set_deadline(500)
    number = client.ask("put", "stop/key", "y")
    answer = client.wait(number)
    assert answer["error"] == -110 and answer["may_have_effect"]
    client.set_deadline(20000)
    assert client.do("get", "stop/key")["error"] == 0
    assert client.find_program() != stopped


def test_no_program(etcd):
    with etcdkit.Client(etcd, program="/nowhere/steerd-etcd") as client:
        answer = client.do("get", "key")
        assert answer["error"] == -2 and "cannot be started" in answer["why"] and not answer["may_have_effect"]
        number = client.watch("key")
        assert "cannot be started" in client.wait_told(number, "lost")["why"]


NONSENSE = """#!/usr/bin/python3
import array, socket, sys, time
channel = socket.socket(fileno=3)
_, [(_, _, octets)], _, _ = channel.recvmsg(64, socket.CMSG_SPACE(4))
stream = socket.socket(fileno=array.array("i", octets)[0])
stream.sendall({what})
channel.recv(1)
"""


@pytest.mark.parametrize("what", ["b'x' * 100", "bytes(3) + b'\\x05' + bytes(3) + b'\\x05' + bytes(13)", "bytes(7) + b'\\x63' + bytes(8)"],
                         ids=["no head", "no answer", "no kind"])
def test_a_program_that_talks_nonsense(etcd, tmp_path, what):
    """It is ended and started again, once a second; whoever asks is told, and nothing is believed."""
    program = tmp_path / "steerd-etcd"
    program.write_text(NONSENSE.format(what=what))
    program.chmod(0o755)
    with etcdkit.Client(etcd, program=program) as client:
        client.set_deadline(20000)
        answer = client.do("put", "key", "value")
        assert answer["error"] in (-71, -104) and answer["may_have_effect"] and "steerd-etcd" in answer["why"], answer
        number = client.watch("key")
        client.wait_told(number, "lost")
        kit.wait_for(lambda: client.status()["restarts"] >= 2, "it is started again")
        client.set_deadline(500)
        assert client.do("get", "key")["error"] == -110
        assert not client.status()["reached"]


def test_a_program_that_ends_at_once(etcd):
    """As one of another version does: nothing was sent, and why is said."""
    with etcdkit.Client(etcd, program="/bin/true") as client:
        client.set_deadline(3000)
        answer = client.do("put", "key", "value")
        assert answer["error"] in (-110, -104) and "steerd-etcd" in answer["why"], answer
        assert answer["error"] == -104 or not answer["may_have_effect"], answer
        client.wait_told(client.watch("key"), "lost")


def has_ended(pid):
    """It may wait for a parent that asks for its exit code: who took it over need not do so."""
    try:
        return "Z" in open(f"/proc/{pid}/stat", encoding="ascii").read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True


def test_the_end_of_either(etcd):
    with etcdkit.Client(etcd) as client:
        client.good("get", "key")
        helper = client.find_program()
    kit.wait_for(lambda: has_ended(helper), "steerd-etcd ends")
    client = etcdkit.Client(etcd)
    client.good("get", "key")
    helper = client.find_program()
    client.process.kill()
    kit.wait_for(lambda: has_ended(helper), "steerd-etcd ends")


def test_a_watch_that_is_put_off_when_steerd_etcd_dies():
    """It is tried again when its time has come, though nobody asks for anything else."""
    with etcdkit.Etcd() as etcd, etcdkit.Client(etcd) as client:
        number = client.watch("later/")
        client.wait_told(number, "begun")
        etcd.members[0].kill()
        client.wait_told(number, "lost")
        time.sleep(3)  # each time longer, up to a second
        os.kill(client.find_program(), signal.SIGKILL)
        etcd.members[0].restart()
        etcd.wait()
        client.wait_told(number, "begun", 2)


@contextlib.contextmanager
def traced(pid):
    """It stays a zombie when it is killed, until we let it go: as one that hangs in the kernel, for its parent."""
    libc = ctypes.CDLL(None, use_errno=True)
    seize = 0x4206
    if libc.ptrace(seize, pid, None, None) != 0:
        pytest.skip("ptrace is not permitted here")
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0x40000000)  # __WALL


def test_nobody_waits_for_a_steerd_etcd_that_does_not_end(etcd):
    """The end of a client of etcd is on steerd's control thread."""
    client = etcdkit.Client(etcd)
    client.good("get", "key")
    helper = client.find_program()
    with traced(helper):
        os.kill(helper, signal.SIGSTOP)
        client.process.stdin.close()
        client.process.wait(timeout=kit.PATIENCE_S)
        assert os.path.exists(f"/proc/{helper}")
    client.close()


def test_an_order_of_another_version(etcd):
    """Longer than ours, say: steerd-etcd ends, and takes nothing."""
    for octets in (b"\1\0\0\0", b"\1\0\0\0\0\0\0\0", b"\1\0", b"\2\0\0\0"):
        channel, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stream, end = socket.socketpair()
        program = subprocess.Popen([etcdkit.PROGRAM], preexec_fn=lambda far=far: os.dup2(far.fileno(), 3), close_fds=False)
        with channel, stream, contextlib.ExitStack() as stack:
            stack.callback(program.wait)
            stack.callback(program.kill)
            channel.sendmsg([octets], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end.fileno()]))])
            end.close()
            far.close()
            if octets == b"\1\0\0\0":  # it waits for more
                stream.sendall(bytes(3) + b"\0" + bytes(3) + b"\4" + bytes(8))
                stream.settimeout(kit.PATIENCE_S)
                assert stream.recv(16)[7] == 8
                channel.close()
                assert program.wait(timeout=kit.PATIENCE_S) == 0
            else:
                assert program.wait(timeout=kit.PATIENCE_S) != 0


DEAF = """#!/usr/bin/python3
import array, socket, time
channel = socket.socket(fileno=3)
_, [(_, _, octets)], _, _ = channel.recvmsg(64, socket.CMSG_SPACE(4))
stream = socket.socket(fileno=array.array("i", octets)[0])
while True:
    stream.sendall(bytes(7) + b"\\x08" + bytes(8))
    time.sleep(0.05)
"""


def test_a_program_that_takes_nothing(etcd, tmp_path):
    """It answers, and reads nothing: what waits for it does not pile up, it is ended and started again."""
    program = tmp_path / "steerd-etcd"
    program.write_text(DEAF)
    program.chmod(0o755)
    with etcdkit.Client(etcd, program=program) as client:
        client.set_deadline(100)
        kit.wait_for(lambda: client.do("fill", "key", 1_000_000) and client.status()["restarts"] >= 2, "it is started again")
        most = etcdkit.find_memory(client.process.pid, "VmHWM")
        assert most < (1_500_000_000 if etcdkit.is_sanitized() else 150_000_000), most
