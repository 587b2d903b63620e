# SPDX-License-Identifier: BSD-3-Clause
"""Drills whose clients are as they were recorded: by a real steerd, as dnstap and as a query log. The share of requests
that fails is that of the queries, by name and by where the client is, that a loss takes."""
import contextlib
import json
import re
import shutil
import subprocess

import dns.edns
import dns.exception
import dns.message
import dns.query
import jsonschema
import pytest

import kit

SCHEMA = json.loads((kit.TOP / "doc/schema/drill-report.json").read_text())
NAMED = shutil.which("named", path="/usr/sbin:/usr/bin")
LOSS = {"duration": "10m", "events": [{"at": "0s", "what": "region:us-east", "how": "lost"}]}
OUTPUTS = {"dnstap": {"file": "dns.fstrm"}, "query_log": {"file": "q.log"}}
AWAY, HOME = "127.1.7.9", "127.2.7.9"  # of the classes default, and the one that goes to eu-west first


@pytest.fixture
def planned(site):
    """us-east fails: of www all but clients of 127.2.0.0/16 and 10.0.0.0/8, of eu nobody, of *.apps everybody."""
    kit.make_regions(site, interval="2s", timeout="1s", fall=3, rise=2)
    site.zone("example.com", "a 60 IN A 192.0.2.99\n")
    first = {"ttl": 30, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}
    site.policy("example.com", {
        "www": first | {"geo": [{"when": {"cidr": ["127.2.0.0/16", "10.0.0.0/8"]}, "tiers": [["eu-west"], ["us-east"]]}]},
        "*.apps": first, "eu": {"ttl": 30, "endpoints": ["web-eu-*"]}})
    site.server.update(OUTPUTS)
    return site.write()


def ask(server, source, name, count, subnet=None, tcp=False):
    server.asked += count
    for _ in range(count):
        options = [dns.edns.ECSOption.from_text(subnet)] if subnet else []
        query = dns.message.make_query(name, "A", **({"use_edns": 0, "options": options} if subnet else {}))
        if tcp:
            dns.query.tcp(query, server.site.listen[0][0], port=server.site.listen[0][1], source=source, timeout=kit.PATIENCE_S)
        else:
            dns.query.udp(query, server.site.listen[0][0], port=server.site.listen[0][1], source=source, timeout=kit.PATIENCE_S)


def record(site, ask_all, **outputs):
    """What a steerd writes down of these queries."""
    site.server.update(outputs)
    for path in site.folder.glob("dns.fstrm*"), site.folder.glob("q.log*"):
        for each in path:
            each.unlink()
    server = site.start()
    server.asked = 0
    ask_all(server)
    stop(server)


def stop(server):
    """When it has written all that was asked."""
    for output in "dnstap", "query_log":
        if output in server.site.server:
            server.wait(lambda output=output: taken(server, output) >= server.asked, f"{output} has it")
    server.stop()


def taken(server, output):
    text = server.request("GET", "/metrics").body.decode()
    return int(re.search(rf'^steerd_tap_records_total{{output="{output}",result="taken"}} (\d+)$', text, re.M)[1])


def drill(site, recording, code=0, beside=None, **clients):
    path = (beside or site.folder) / "drill.json"
    path.write_text(json.dumps(LOSS | {"clients": {"recorded": str(recording), **clients}}))
    done = kit.run_steerd("-c", str(site.config), "--drill", str(path), "--json")
    assert done.returncode == code, done
    if code == 2:
        return done.stderr
    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMA)
    return report


def failed(site, recording, **clients):
    return drill(site, recording, **clients)["users"]["failed_share"]


def whole(site):
    """If all that is asked for fails."""
    path = site.folder / "whole.json"
    path.write_text(json.dumps(LOSS | {"clients": {"names": ["*.apps.example.com"]}}))
    done = kit.run_steerd("-c", str(site.config), "--drill", str(path), "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)["users"]["failed_share"]


def test_failed_requests_follow_the_recording(planned):
    all_fail = whole(planned)
    assert all_fail > 0.01

    def mostly_failing(server):
        ask(server, AWAY, "www.EXAMPLE.com", 80), ask(server, AWAY, "www.example.com", 10, tcp=True)
        ask(server, AWAY, "eu.example.com", 10)
        ask(server, AWAY, "a.example.com", 7), ask(server, AWAY, "nx.example.net", 4)
    record(planned, mostly_failing)
    for name in "dns.fstrm", "q.log":
        report = drill(planned, name)
        assert report["users"]["recorded"] == {"file": str(planned.folder / name), "queries": 100, "other_names": 11, "nameless": 0}
        assert report["users"]["failed_share"] == pytest.approx(all_fail * 0.9, rel=1e-4)
        assert f"recorded in {planned.folder / name}: 100 queries, 11 for other names left out" in report["text"]
        assert failed(planned, name, names=["eu.*"]) == 0

    def mostly_sound(server):
        ask(server, AWAY, "eu.example.com", 27), ask(server, AWAY, "x.y.apps.example.com", 3)
    record(planned, mostly_sound)
    for name in "dns.fstrm", "q.log":
        assert failed(planned, name) == pytest.approx(all_fail * 0.1, rel=1e-4)


@pytest.mark.parametrize("outputs", [
    {}, {"dnstap": {"file": "dns.fstrm", "messages": "responses"}, "query_log": {"file": "q.log", "format": "json"}},
    {"dnstap": {"file": "dns.fstrm", "messages": "queries"}}])
def test_classes_follow_the_recording(planned, outputs):
    """By where the sender is, or the subnet that it speaks of; whatever of queries and answers is told."""
    all_fail = whole(planned)

    def mixed(server):
        ask(server, AWAY, "www.example.com", 6), ask(server, HOME, "www.example.com", 9)
        ask(server, AWAY, "www.example.com", 3, "10.1.2.0/24"), ask(server, HOME, "www.example.com", 12, "192.0.2.0/24")
        ask(server, HOME, "www.example.com", 10, "2001:db8::/56")
    record(planned, mixed, **outputs)
    for name in "dns.fstrm", "q.log":
        report = drill(planned, name)
        assert report["users"]["recorded"]["queries"] == 40
        assert report["users"]["failed_share"] == pytest.approx(all_fail * 28 / 40, rel=1e-4)


def test_a_log_with_other_lines(planned):
    """The server's own log has the queries, too."""
    planned.server.pop("dnstap")
    planned.server["query_log"] = {}
    planned.write()
    server = planned.start()
    server.asked = 0
    ask(server, AWAY, "www.example.com", 5), ask(server, HOME, "www.example.com", 5)
    stop(server)
    (planned.folder / "whole.log").write_text(server.read_log())
    assert drill(planned, "whole.log")["users"]["recorded"]["queries"] == 10
    assert failed(planned, "whole.log") == pytest.approx(whole(planned) / 2, rel=1e-4)


def test_a_path_is_beside_the_document(planned, tmp_path):
    record(planned, lambda server: ask(server, AWAY, "eu.example.com", 1))
    folder = tmp_path / "drills"
    folder.mkdir()
    (folder / "q.log").write_bytes((planned.folder / "q.log").read_bytes())
    assert drill(planned, "q.log", beside=folder)["users"]["recorded"]["file"] == str(folder / "q.log")
    assert "other.log: error: it cannot be read: No such file" in drill(planned, "other.log", code=2, beside=folder)


def test_a_sweep_goes_by_the_recording(planned):
    record(planned, lambda server: ask(server, AWAY, "eu.example.com", 3))
    document = {"clients": {"recorded": "q.log"}, "events": LOSS["events"]}
    (planned.folder / "drill.json").write_text(json.dumps(document))
    done = kit.run_steerd("-c", str(planned.config), "--sweep", "--drill", str(planned.folder / "drill.json"), "--json")
    risks = {risk["lost"]: risk["failed_share"] for risk in json.loads(done.stdout)["risks"]}
    assert risks["region:us-east"] == 0 and risks["region:eu-west"] > 0


def test_damage_is_told_with_its_place(planned):
    record(planned, lambda server: ask(server, AWAY, "www.example.com", 3))
    stream, log = (planned.folder / "dns.fstrm").read_bytes(), (planned.folder / "q.log").read_bytes()
    second = log.index(b"\n") + 1
    size = len(stream) - 12  # but for STOP
    bad = planned.folder / "bad"
    for content, words in [
            (b"", "found nothing"), (stream[:size - 1], "cut off"), (stream[:3], "at octet 0"), (b"\0" * 100, "control frame"),
            (stream.replace(b"dnstap.Dnstap", b"dnstap.Dnsbad"), "expected protobuf:dnstap.Dnstap"),
            (stream + stream, f"at octet {len(stream)}: found a control frame of type 2"),
            (log[:-1], "a line that is cut off"), (log[:second] + b"\xff\n" + log[second:], f"at octet {second}: "),
            (log[:second] + log[second:].replace(b"client=127", b"client=x", 1), f"at octet {second}: found a client"),
            (b'{"event":"query","client":1}\n', "no text"), (b'{"event":"query"\n', "no JSON"),
            (re.sub(rb"name=www", b"name=a", log), "found no query for a name of the configuration, and 3 for other names")]:
        bad.write_bytes(content)
        said = drill(planned, "bad", code=2)
        assert words in said and str(bad) in said, (content, said)
    assert failed(planned, "dns.fstrm") > 0
    bad.write_bytes(stream[:size])  # the writer was killed
    assert failed(planned, "bad") > 0
    assert "expected one of them" in drill(planned, "q.log", code=2, **{"from": []})


def test_a_server_reads_no_file(planned):
    record(planned, lambda server: ask(server, AWAY, "www.example.com", 3))
    server = planned.start()
    document = LOSS | {"clients": {"recorded": str(planned.folder / "q.log")}}
    for more in ({}, {"mode": "sweep"}, {"mode": "shadow", "clients": {"prefixes": ["127.1.2.0/24"]}},
                 {"mode": "live", "confirm": "us-east", "reason": "a test"}):
        reply = server.request("POST", "/v1/drills", {"document": document, **more} if more else document)
        assert reply.status == 422, reply
        assert any("a server reads no file that a drill names" in error["message"] for error in reply.json["errors"]), reply
    path = planned.folder / "drill.json"
    path.write_text(json.dumps(document))
    for words in ("simulate", str(path)), ("sweep", str(path)):
        assert f"run steerd -c FILE --drill {path}" in server.ctl("drill", *words, code=2).stderr


@contextlib.contextmanager
def bind(folder, output):
    """BIND, which answers for example.com and writes dnstap; yields where."""
    at = "127.0.0.1"  # it listens at no other of them
    port = kit.find_port(at)
    (folder / "zone").write_text("@ 60 IN SOA ns admin 1 60 60 60 60\n@ 60 IN NS ns\n* 60 IN A 192.0.2.1\n*.apps 60 IN A 192.0.2.1\nns 60 IN A 192.0.2.1\n")
    (folder / "named.conf").write_text(f'''
        options {{ directory "{folder}"; pid-file none; session-keyfile none; listen-on port {port} {{ {at}; }}; listen-on-v6 {{ none; }};
            recursion no; dnstap {{ all; }}; dnstap-output file "{output}"; notify no; }};
        controls {{ }};
        zone "example.com" {{ type primary; file "zone"; }};''')
    with subprocess.Popen([NAMED, "-g", "-n", "1", "-c", folder / "named.conf"], stderr=subprocess.DEVNULL) as process:
        try:
            yield at, port
        finally:
            process.terminate()


def answers(at):
    with contextlib.suppress(dns.exception.Timeout, OSError):
        return dns.query.udp(dns.message.make_query("ns.example.com", "A"), at[0], port=at[1], timeout=1)
    return None


@pytest.mark.skipif(NAMED is None, reason="BIND is not installed")
def test_a_recording_of_bind(planned, tmp_path):
    with bind(tmp_path, "named.fstrm") as at:
        kit.wait_for(lambda: answers(at), "BIND")
        for source, name, subnet, count in ((AWAY, "WWW.example.com", None, 6), (HOME, "www.example.com", None, 2), (AWAY, "www.example.com", "10.3.2.0/24", 4),
                                            (HOME, "x.apps.example.com", "10.3.2.0/24", 3)):
            for _ in range(count):
                options = {"use_edns": 0, "options": [dns.edns.ECSOption.from_text(subnet)]} if subnet else {}
                dns.query.udp(dns.message.make_query(name, "A", **options), at[0], port=at[1], source=source, timeout=kit.PATIENCE_S)
    report = drill(planned, tmp_path / "named.fstrm")
    assert report["users"]["recorded"]["queries"] == 15 and report["users"]["recorded"]["other_names"] >= 1
    assert report["users"]["failed_share"] == pytest.approx(whole(planned) * 9 / 15, rel=1e-4)
