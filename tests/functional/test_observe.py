# SPDX-License-Identifier: BSD-3-Clause
"""`steerctl observe`: small caching resolvers and clients beside a loss. What they see of real losses beside what a drill computes
is in test_losses.py."""
import contextlib
import json
import subprocess

import pytest

import kit
from nameserver import Nameserver

NAME = "www.example.net"


@pytest.fixture
def names():
    made = Nameserver({NAME: {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]}, "none.example.net": {}}, ttl=1)
    yield made
    made.close()


def observe(*words, code=0):
    done = kit.run_ctl("observe", *words, "--json", code=code)
    return json.loads(done.stdout) if code == 0 else done.stderr


@pytest.fixture(autouse=True)
def run_here(monkeypatch):
    """Without a server."""
    run = kit.run_ctl

    def run_ctl(*words, code=0):
        done = run(*words)
        assert done.returncode == code and not any(defect in done.stderr for defect in kit.DEFECTS), done
        return done
    monkeypatch.setattr(kit, "run_ctl", run_ctl)


def test_what_is_known_to_be_lost(names):
    """One of two addresses, all the time: half of the requests fail, and none of who tries the other one."""
    seen = observe(NAME, f"{NAME}/AAAA", "--server", names.at, "--lose", "192.0.2.1", "--resolvers", "8", "--for", "1200ms",
                   "--retry", "50")
    assert seen["names"] == [f"{NAME}. A", f"{NAME}. AAAA"] and seen["lost"] == ["192.0.2.1"] and seen["lost_ms"] == 0
    assert seen["unanswered"] == 0 and seen["questions"] >= 2 * 8 and not seen["cut"]
    users = seen["users"]
    assert users["failed_share_all_addresses"] == 0 and 0.1 < users["failed_share_first_address"] <= 0.3
    assert users["failed_share"] == pytest.approx(users["failed_share_first_address"] / 2)
    assert seen["decision_ms"] is None and set(users["moved_ms"].values()) == {None}
    assert sum(users["by_second"]["failed"]) == pytest.approx(users["failed_seconds"])


def test_who_does_not_answer_is_asked_no_more(names):
    """The second server is, and that there is nothing is an answer."""
    silent = Nameserver({})
    with contextlib.closing(silent):
        silent.mood = "silent"
        seen = observe(NAME, "--server", f"{silent.at},{names.at}", "--lose", "192.0.2.9", "--resolvers", "2", "--for", "1200ms")
    assert seen["retries"] >= 1 and seen["unanswered"] == 0 and seen["users"]["failed_share"] == 0
    names.mood = "SERVFAIL"
    seen = observe(NAME, "--server", names.at, "--lose", "192.0.2.9", "--resolvers", "2", "--for", "300ms")
    assert seen["unanswered"] >= 2 and seen["users"]["failed_share"] > 0
    names.mood = "ok"
    seen = observe("none.example.net", "--server", names.at, "--lose", "192.0.2.9", "--resolvers", "2", "--for", "300ms")
    assert seen["unanswered"] == 0 and seen["users"]["failed_share"] > 0


def test_long_answers_come_by_tcp(site):
    site.zone("example.com", "".join(f"many 1 IN AAAA 2001:db8::{i:x}\n" for i in range(100)))
    server = site.start()
    address, port = site.listen[0]
    seen = observe("many.example.com/AAAA", "--server", f"{address}:{port}", "--lose", "192.0.2.9", "--resolvers", "2", "--for", "300ms")
    assert seen["by_tcp"] >= 2 and seen["unanswered"] == 0 and seen["users"]["failed_share"] == 0
    assert "names" in server.ctl("observe", "many.example.com/AAAA", "--server", f"{address}:{port}", "--lose", "192.0.2.9", "--resolvers",
                                 "2", "--for", "200ms").stdout


def test_requests_find_out_what_fails(names, site):
    """One address refuses, one serves what is no success, one is well."""
    good, bad, nobody = (kit.new_address() for _ in range(3))
    web = site.web(good, bad)
    web.behave("status", bad, status=503)
    for addresses, path, failed in ([good, bad], [], 0), ([good, nobody], [], 0.5), ([good, bad], ["--path", "/x"], 0.5):
        names.records[NAME]["A"] = addresses
        seen = observe(NAME, "--server", names.at, "--connect", str(kit.WEB_PORT), *path, "--resolvers", "2", "--for", "400ms")
        assert seen["requests"] >= 2 and (seen["requests_failed"] > 0) == (failed > 0), (seen, path)
        assert seen["users"]["failed_share"] <= failed + 1e-9 and (seen["lost_ms"] is None) == (failed == 0)


@pytest.mark.parametrize("words, expected", [
    ((NAME, "--lose", "192.0.2.1"), "--server"), ((NAME, "--server", "x", "--lose", "192.0.2.1"), "--server"),
    ((NAME, "--server", "192.0.2.53"), "--lose"), ((NAME, "--server", "192.0.2.53", "--lose", "192.0.2.1", "--connect", "80"), "--lose"),
    ((f"{NAME}/MX", "--server", "192.0.2.53", "--lose", "192.0.2.1"), "NAME/AAAA"),
    ((NAME, "--server", "192.0.2.53", "--lose", "planet:mars"), "region:NAME"),
    ((NAME, "--server", "192.0.2.53", "--connect", "0"), "port"), ((NAME, "--server", "192.0.2.53", "--connect", "80", "--path", "x"), "path"),
    ((NAME, "--server", "192.0.2.53", "--lose", "192.0.2.1", "--resolvers", "0"), "--resolvers"),
    ((NAME, "--server", "192.0.2.53", "--lose", "192.0.2.1", "--resolvers", "20001"), "--resolvers"),
    ((NAME, "--server", "192.0.2.53", "--lose", "192.0.2.1", "--retry", "101"), "--retry"),
    ((NAME, "--server", "192.0.2.53", "--lose", "192.0.2.1", "--ttl", "-1"), "--ttl"),
    ((NAME, "--server", "192.0.2.53", "--lose", "192.0.2.1", "--for", "2d"), "--for"),
    ((NAME, "--server", "192.0.2.53", "--lose", "192.0.2.1", "--client", "192.0.2.1/24"), "--client"),
    ((NAME, "--server", "192.0.2.53", "--lose", "192.0.2.1", "--client", "192.0.2.0/24"), "that this machine has"),
    ((NAME, "--server", ",".join(["192.0.2.53"] * 17), "--lose", "192.0.2.1"), "--server"),
    ((*[NAME] * 17, "--server", "192.0.2.53", "--lose", "192.0.2.1"), "")])
def test_what_cannot_be_meant(words, expected):
    assert expected in observe(*words, code=2)
