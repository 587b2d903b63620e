# SPDX-License-Identifier: BSD-3-Clause
"""Idempotency-Key: whoever sends a request again gets the answer that it had, and nothing is done twice; also after kill -9 and
a takeover."""
import concurrent.futures
import os
import signal
import socket

import pytest

import kit
import openapi
import takeovers

reaper = takeovers.reaper
REGION = "/v1/regions/us-east/override"
DRAIN = {"state": "drain", "reason": "a test", "allow_unserved": True}
PROBLEM = "urn:steerd:problem:"


@pytest.fixture
def server(site):
    kit.make_regions(site, interval="1h")
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    return site.start()


def send(server, method, path, body=None, key='"k"', **headers):
    return server.request(method, path, body, {"Idempotency-Key": key, **headers})


def is_replayed(reply):
    return reply.headers["Idempotency-Replayed"] == "true"


def assert_again(first, again):
    assert (again.status, again.body, is_replayed(again), is_replayed(first)) == (first.status, first.body, True, False), (first, again)


def count(server, kind):
    return len(server.get(f"/v1/journal?kind={kind}&limit=1000")["items"])


def test_the_same_answer_and_nothing_done_again(server):
    first = send(server, "PUT", REGION, DRAIN)
    assert first.status == 200
    server.override("region", "us-east", "down", "somebody else")
    assert_again(first, send(server, "PUT", REGION, DRAIN))
    assert server.get(REGION)["state"] == "down" and count(server, "override") == 2
    assert not is_replayed(send(server, "PUT", REGION, DRAIN, key='"other"'))
    assert server.get(REGION)["state"] == "drain"


@pytest.mark.parametrize("method, path, body, kind", [
    ("POST", "/v1/points", {"name": "p", "reason": "r"}, "point"), ("POST", "/v1/switchovers", {"source": "region:us-east", "reason": "r"}, "switchover"),
    ("POST", "/v1/report", None, None), ("PUT", "/v1/endpoints/web-us-east-1a/load", {"value": 0.5}, None), ("POST", "/v1/reload", None, None),
    ("POST", "/v1/import?reason=r&allow_unserved=true&without_point=true",
     b'{"kind":"override","key":"region:us-east","value":{"state":"drain","reason":"r"}}\n', None)])
def test_each_change_takes_a_key(server, method, path, body, kind):
    headers = {"Content-Type": "application/jsonl"} if isinstance(body, bytes) else {}
    first = send(server, method, path, body, **headers)
    again = send(server, method, path, body, **headers)
    if first.status >= 300:
        assert (again.status, is_replayed(again)) == (first.status, False)  # nothing was done, so it is tried anew
        return
    assert_again(first, again)
    assert kind is None or count(server, kind) == 1


def test_secrets_are_in_one_answer_only(server):
    first = send(server, "POST", "/v1/tokens", {"name": "t", "role": "viewer"})
    assert first.status == 201 and first.json["secret"]
    again = send(server, "POST", "/v1/tokens", {"name": "t", "role": "viewer"})
    assert (again.status, again.json) == (201, {**first.json, "secret": None}) and is_replayed(again)
    stored = b"".join(path.read_bytes() for path in (server.site.folder / "var").glob("store.db*"))
    assert first.json["secret"].split(".")[2].encode() not in stored
    rotated = send(server, "POST", "/v1/tokens/t:rotate", {}, key='"r"')
    assert rotated.json["secret"] and send(server, "POST", "/v1/tokens/t:rotate", {}, key='"r"').json["secret"] is None


def test_a_key_is_for_one_request(server):
    assert send(server, "PUT", REGION, DRAIN).status == 200
    for method, path, body in ("PUT", REGION, {**DRAIN, "reason": "x"}), ("PUT", "/v1/regions/eu-west/override", DRAIN), ("DELETE", REGION, None):
        reply = send(server, method, path, body)
        assert (reply.status, reply.json["type"]) == (422, PROBLEM + "key-reused"), reply


def test_what_was_refused_may_be_tried_again(server):
    assert send(server, "PUT", REGION, {"state": "drain"}).status == 422
    assert send(server, "PUT", "/v1/regions/nowhere/override", DRAIN).status == 404
    assert send(server, "PUT", REGION, DRAIN, **{"If-Match": "*"}).status == 412
    assert send(server, "PUT", REGION, DRAIN).status == 200
    assert is_replayed(send(server, "PUT", REGION, DRAIN, **{"If-Match": "*"}))


@pytest.mark.parametrize("key, good", [
    ('"a"', True), ('"' + "k" * 255 + '"', True), (r'"a\"b\\"', True), (' "a" ', True), ('" "', True),
    ("a", False), ('""', False), ('"' + "k" * 256 + '"', False), ('"a', False), ('"a"b', False), ('"a";x=1', False), (r'"a\b"', False),
    ('"\x80"', False), ('"a", "b"', False), ("", False), ("?1", False)])
def test_what_is_a_key(server, key, good):
    reply = send(server, "PUT", REGION, DRAIN, key=key)
    assert reply.status == (200 if good else 400), reply
    assert is_replayed(send(server, "PUT", REGION, DRAIN, key=key)) == good
    assert good or count(server, "override") == 0


def test_what_changes_nothing_needs_none(server):
    for path in REGION + "?dry_run=true", REGION + "?dry_run=true":
        assert not is_replayed(send(server, "PUT", path, DRAIN))
    assert send(server, "GET", "/v1/status", key="nonsense").status == 200
    assert send(server, "PUT", REGION, DRAIN).status == 200


def test_many_at_once_are_one(server):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: send(server, "PUT", REGION, DRAIN), range(16)))
    assert sum(reply.status == 200 and not is_replayed(reply) for reply in replies) == 1
    for reply in replies:
        assert reply.status == 200 or (reply.status, reply.json["type"]) == (409, PROBLEM + "in-progress"), reply
        assert reply.status == 200 or reply.headers["Retry-After"] == "1"
    assert count(server, "override") == 1


def test_who_leaves_may_ask_for_the_answer(server):
    body = b'{"state": "drain", "reason": "a test", "allow_unserved": true}'
    for number in range(10):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(server.site.socket))
            sock.sendall(b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: \"%d\"\r\nContent-Length: %d\r\n\r\n%s"
                         % (REGION.encode(), number, len(body), body))
            if number % 2:
                sock.shutdown(socket.SHUT_RDWR)
        server.wait(lambda: count(server, "override") == number + 1, "it was carried out")  # pylint: disable=cell-var-from-loop
        again = server.wait(lambda: (reply := send(server, "PUT", REGION, body, key=f'"{number}"')).status == 200 and reply, "it is answered")  # pylint: disable=cell-var-from-loop
        assert is_replayed(again) and again.json["override"]["reason"] == "a test"
    assert count(server, "override") == 10


@pytest.mark.parametrize("how", ["kill", "stop", "takeover"])
def test_it_outlives_the_process(site, server, how):
    asked = [("PUT", REGION, DRAIN, '"a"'), ("POST", "/v1/points", {"name": "p", "reason": "r"}, '"b"'), ("POST", "/v1/failback", {"kind": "az"}, '"c"')]
    firsts = [send(server, *one[:3], key=one[3]) for one in asked]
    server.wait(lambda: len([item for item in server.get("/v1/journal?kind=answer")["items"] if "body" in (item["after"] or {})]) == 2, "they are written")
    if how == "takeover":
        reply = server.request("POST", "/v1/takeover")
        assert reply.status == 200
        server.process = takeovers.Heir(reply.json["pid"])
    else:
        server.kill() if how == "kill" else server.stop()  # pylint: disable=expression-not-assigned
        server = site.start()
    for one, first in zip(asked[:2], firsts):
        assert_again(first, send(server, *one[:3], key=one[3]))
        assert send(server, "PUT", REGION, {**DRAIN, "reason": "x"}, key=one[3]).status == 422
    assert count(server, "override") == count(server, "point") == 1


def test_a_crash_before_the_answer_is_known(site, server):
    """The mark goes with the change: killed at any moment, the change is there once, and so it is told."""
    body = b'{"state": "drain", "reason": "a test", "allow_unserved": true}'
    for number in range(6):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(site.socket))
            sock.sendall(b"PUT %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: \"%d\"\r\nContent-Length: %d\r\n\r\n%s"
                         % (REGION.encode(), number, len(body), body))
            sock.settimeout(0.002 * number)
            try:
                sock.recv(1)
            except (OSError, socket.timeout):
                pass
            server.kill()
        server = site.start()
        before = count(server, "override")
        reply = send(server, "PUT", REGION, body, key=f'"{number}"')
        assert reply.status == 200 and reply.json["override"]["reason"] == "a test"
        assert count(server, "override") == before + (0 if is_replayed(reply) else 1) == number + 1


def start_with_api(site):
    site.server["documents"] = {"owner": "api"}
    server = site.running[0]
    server.stop()
    server = site.start()
    server.wait(lambda: server.get("/v1/config")["documents"][0]["revision"], "the API has them")
    return server


def ask_and_kill(server, path, method, body, kind, key, after_s):
    """Whatever it has come to by then."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(server.site.socket))
        sock.sendall(b"%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%s"
                     % (method.encode(), path.encode(), kind.encode(), key.encode(), len(body), body))
        sock.settimeout(after_s)
        try:
            sock.recv(1)
        except (OSError, socket.timeout):
            pass
        server.kill()


@pytest.mark.parametrize("what", ["import", "edit"])
def test_a_crash_before_an_answer_of_many(site, server, what):
    """Likewise, of an import and of an edit of a document: it is there once, and told as done if it was."""
    if what == "edit":
        server = start_with_api(site)
    kind = "override" if what == "import" else "document"
    changes, replayed = count(server, kind), 0
    for number, after_s in enumerate((0.001, 0.004, 1)):
        key = f'"{number}"'
        if what == "import":
            asked = ("POST", "/v1/import?reason=r&allow_unserved=true", b'{"kind":"override","key":"region:us-east","value":{"state":"drain","reason":"r%d"}}\n' % number, "application/jsonl")
        else:
            asked = ("PUT", "/v1/config/endpoints/web-new?reason=r", b'{"az": "us-east-1a", "addresses": ["192.0.2.%d"]}' % number, "application/json")
        method, path, body, content = asked
        ask_and_kill(server, path, method, body, content, key, after_s)
        server = site.start()
        before = count(server, kind)
        reply = send(server, method, path, body, key=key, **{"Content-Type": content})
        assert (reply.status, reply.json.get("type")) in ((200, None), (409, PROBLEM + "already-done")), reply
        assert is_replayed(reply) == (before == changes + 1), "the mark is there when the change is"
        assert count(server, kind) == (changes := changes + 1)
        replayed += is_replayed(reply)
    assert replayed != 0


def test_keys_are_ones_own(site, server):
    """By who it is that asks; here one user by two names of the kernel's."""
    del server
    assert os.getuid() == 0 or pytest.skip("needs root")
    site.server["admin"]["mode"] = "0666"
    site.server["admin"]["socket_roles"] = {"*": "admin"}
    site.write()
    os.chmod(site.folder, 0o755)
    os.kill(site.running[0].process.pid, signal.SIGTERM)
    site.running[0].process.wait()
    server = site.start()
    assert send(server, "PUT", REGION, DRAIN).status == 200
    script = f"""
import os, socket
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sock = socket.socket(socket.AF_UNIX); sock.connect({str(site.socket)!r})
sock.sendall(b'DELETE {REGION} HTTP/1.0\\r\\nHost: x\\r\\nIdempotency-Key: "k"\\r\\n\\r\\n')
answer = b''
while piece := sock.recv(65536):
    answer += piece
print(answer.decode())
"""
    done = kit.subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, text=True, check=True)
    assert " 200 OK" in done.stdout and "Idempotency-Replayed" not in done.stdout, done
    assert server.request("GET", REGION).status == 404


def test_the_document_has_it_wherever_something_changes():
    for item in openapi.load()["paths"].values():
        for method in set(item) & {"put", "post", "patch", "delete"}:
            operation = item[method]
            names = {openapi.follow(node)["name"] for node in operation.get("parameters", [])}
            wanted = operation["x-role"] != "viewer" and operation["operationId"] != "takeOver"
            assert ("Idempotency-Key" in names) == wanted, operation["operationId"]


def test_what_passes_is_not_written(server):
    for number in range(3):
        first = send(server, "PUT", "/v1/endpoints/web-us-east-1a/load", {"value": 0.5}, key=f'"{number}"')
        assert first.status == 200
        assert_again(first, send(server, "PUT", "/v1/endpoints/web-us-east-1a/load", {"value": 0.5}, key=f'"{number}"'))
    assert send(server, "PUT", REGION, DRAIN, key='"0"').json["type"] == PROBLEM + "key-reused"
    assert count(server, "answer") == 0


def test_the_journal_is_about_changes(server):
    assert send(server, "PUT", REGION, DRAIN).status == 200
    kinds = {item["kind"] for item in server.get("/v1/journal")["items"]}
    assert "override" in kinds and "answer" not in kinds
    assert count(server, "answer") >= 1
    assert server.request("POST", "/v1/journal:verify").json["whole"] is True


def test_steerctl_sends_it_again(site, server):
    """Who stands between lets the request through and ends the connection before the answer."""
    front = site.folder / "front"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(front))
        listener.listen(5)

        def stand_between(cut):
            seen = []
            for is_cut in cut:
                client = listener.accept()[0]
                with client, socket.socket(socket.AF_UNIX) as behind:
                    behind.connect(str(site.socket))
                    request = client.recv(65536)
                    while request.startswith((b"PUT", b"POST")) and not request.endswith(b"}"):
                        request += client.recv(65536)
                    if not request:  # a look
                        continue
                    seen.append(request)
                    behind.sendall(request)
                    answer = b""
                    while piece := behind.recv(65536):
                        answer += piece
                    if not is_cut:
                        client.sendall(answer)
            return seen
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            between = pool.submit(stand_between, [True, True, False])
            done = kit.run_ctl("-s", str(front), "drain", "region:us-east", "--reason", "a test", "--yes-unserved")
            first, second = between.result(kit.PATIENCE_S)
            assert done.returncode == 0 and first == second and b"Idempotency-Key: " in first, (done, first, second)
            assert count(server, "override") == 1
            between = pool.submit(stand_between, [True])
            done = kit.run_ctl("-s", str(front), "overrides")
            assert done.returncode != 0 and "closed without an answer" in done.stderr
            assert b"Idempotency-Key" not in between.result(kit.PATIENCE_S)[0]
