# SPDX-License-Identifier: BSD-3-Clause
"""Live drills of documents: what they say happens for all clients, and what ends them before that."""
import json

import jsonschema
import pytest

import kit
from test_drill_library import EXPECTED, schema
from test_drill_shadow import FASTEST, document, fitting, is_as_expected, shorten  # noqa: F401  pylint: disable=unused-import
from test_shadow import look, wait_end

ACCEPTED = ["capacity", "replication"]
LOST = {"at": "0s", "what": "region:us-east", "how": "refused"}


def ask(server, wanted, status, dry_run=False, **body):
    whole = {"mode": "live", "document": wanted, "reason": "game day", **body}
    reply = server.request("POST", "/v1/drills" + ("?dry_run=true" if dry_run else ""), whole)
    assert reply.status == status, reply
    return reply.json


def begin(server, wanted, **body):
    """What objects is accepted, and what has to be typed is."""
    seen = ask(server, wanted, 200, dry_run=True, **body)
    accepted = [finding["name"] for finding in seen["look"]["findings"] if not finding["good"]]
    return ask(server, wanted, 201, confirm=seen["confirm"], accept=accepted, **body)


def test_ready_scenarios(fitting):
    """One after the other, since all clients see them; who had no time for it, on a busy machine, gets more."""
    for name in EXPECTED:
        factor, report = FASTEST, None
        while report is None or not is_as_expected(name, report):
            assert factor > 60, (name, report)
            ended = wait_end(fitting, begin(fitting, shorten(name, factor)))
            assert ended["because"] == "time" and ended["live"]["share"] == 100 and ended["live"]["why"] is None, ended["live"]
            report, factor = ended["report"], factor // 2
        jsonschema.validate(report, schema("drill-report.json"))
        assert report["mode"] == "live" and ended["proof"]["differences"] == 0
    kept = fitting.get("/v1/drills/reports")["items"]
    assert {item["outcome"] for item in kept if item["mode"] == "live"} == {"met", "missed"}
    assert fitting.get("/v1/regions/us-east")["effective"] == "healthy"


def test_a_document_says_who_sees_it_and_what_ends_it(fitting):
    own = {"canary": 20, "canary_for": "30m", "abort": {"capacity": 90, "recovery": "30m"}}
    drill = begin(fitting, document(LOST, duration="1h", mode="live", live=own))
    assert {key: drill["live"][key] for key in ("share", "canary", "canary_ms", "abort_capacity", "abort_recovery_ms")} == {
        "share": 20, "canary": 20, "canary_ms": 1800000, "abort_capacity": 90, "abort_recovery_ms": 1800000}
    assert drill["lose"] == ["region:us-east"] and drill["failure"] is None and drill["name"] == "a test"
    fitting.wait(lambda: look(fitting, drill)["progress"]["step"] == "region:us-east lost", "its step is told")
    fitting.request("DELETE", f"/v1/drills/{drill['id']}")
    drill = begin(fitting, document(LOST, duration="1h", live=own), canary=30, canary_for="20m", abort_capacity=80, abort_recovery="1h")
    assert [drill["live"][key] for key in ("canary", "canary_ms", "abort_capacity", "abort_recovery_ms")] == [30, 1200000, 80, 3600000]
    fitting.request("DELETE", f"/v1/drills/{drill['id']}")


@pytest.mark.parametrize("events, more, because, word", [
    ([LOST], {"objectives": {"must_not_move": "www.example.com"}}, "moved", "www.example.com"),
    ([{**LOST, "how": "lost"}, {"at": "0s", "what": "check:web", "how": "slow", "after": "50ms"}],
     {"live": {"abort": {"recovery": "1s"}}, "endless": True}, "recovery", "answers still lead to what is lost")])
def test_what_ends_it(fitting, events, more, because, word):
    more = dict(more)
    if more.pop("endless", False):  # drained: the rest of the tier keeps it, as nobody else is there
        fitting.override("region", "eu-west", "drain")
        fitting.override("region", "cloud", "drain")
    drill = begin(fitting, document(*events, duration="1h", **more))
    ended = wait_end(fitting, drill)
    assert ended["because"] == because and word in ended["live"]["why"], ended["live"]
    kept = fitting.wait(lambda: [item for item in fitting.get("/v1/drills/reports")["items"] if item["id"] == drill["id"]], "it is kept")
    assert kept[0]["outcome"] == "not_run" and kept[0]["why"] == f"interrupted: {because}"


def test_what_cannot_be_meant(fitting):
    bare = {**document(LOST, duration="1m"), "mode": "live"}
    assert fitting.request("POST", "/v1/drills", bare).json["errors"][0]["field"] == "document"
    for wanted, body, field in ((document(LOST, duration="2h"), {}, "duration"), (document(LOST), {"lose": ["region:us-east"]}, "lose"),
                                (document(LOST), {"canary_for": "5s"}, "canary_for"), (document(LOST), {"abort_recovery": "1ms"}, "abort_recovery"),
                                (document(LOST), {"confirm": "eu-west", "accept": ACCEPTED}, "confirm")):
        assert ask(fitting, wanted, 422, **body)["errors"][0]["field"] == field, field
    for live in {"canary": 101}, {"canary_for": "5s"}, {"abort": {"load": 3}}, {"canary": 100, "canary_for": "5s"}:
        assert "live" in str(ask(fitting, document(LOST, live=live), 422)["errors"]), live
    lag = {"at": "0s", "what": "copy:us-east/eu-west", "how": "lag", "value": "1m"}
    assert "nothing in it" in ask(fitting, document(lag), 409)["detail"]
    blind = ask(fitting, document({"at": "0s", "what": "vantage:local", "how": "lost"}), 200, dry_run=True)
    assert blind["confirm"] == "local" and blind["look"]["names"] == 7


def test_by_steerctl(fitting, tmp_path):
    path, page = tmp_path / "us-east.json", tmp_path / "us-east.html"
    path.write_text(json.dumps(document(LOST, mode="live", objectives={"must_move": "www.example.com"})))
    words = ["drill", "live", str(path), "--reason", "game day", *(word for name in ACCEPTED for word in ("--accept", name))]
    assert "ALL clients" in fitting.ctl(*words, "--dry-run").stdout
    done = fitting.ctl(*words, "--confirm", "us-east", "--wait", "--html", str(page))
    assert "region:us-east lost" in done.stderr and "Measured on the server" in done.stdout and "<html" in page.read_text()
    for more in ["--lose", "region:us-east"], ["--for", "5m"]:
        fitting.ctl(*words, *more, code=2)
    assert "--wait" in fitting.ctl(*words, "--html", str(page), code=2).stderr
