# SPDX-License-Identifier: BSD-3-Clause
"""Switchovers that a drill does, of the code of real ones: looked at, executed in steps, held by what holds real ones, rolled back; in virtual
time, for the clients of a shadow drill, and for all clients of a live one. Nobody else sees anything of them."""
import json

import jsonschema
import pytest

import kit
from test_drill_library import schema
from test_drill_reports import settle
from test_shadow import DRILLER, addresses, look, wait_end
from test_shadow import ask as query

US, EU = "region:us-east", "region:eu-west"
TEXT = "switchover of region:us-east to eu-west"
CLIENTS = "127.1.2.0/24"
LOST = {"at": "1h", "what": US, "how": "lost"}


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west."""
    at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"), interval="100ms", timeout="100ms", fall=2)
    site.us, site.eu = ([at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 20, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.web(*site.us), site.web(*site.eu)
    return site


def document(*switchovers, events=(LOST,), duration="2h", **more):
    made = {"name": "a test", "duration": duration, "events": list(events), "switchovers": list(switchovers), **more}
    jsonschema.validate(made, schema("drill.json"))
    return made


def move(at="0s", **more):
    return {"at": at, "source": US, "to": "eu-west", **more}


def simulate(site, wanted, code=0):
    site.put("drill.json", wanted)
    done = kit.run_steerd("-c", str(site.config), "--drill", str(site.folder / "drill.json"), "--json")
    assert done.returncode == code, done
    return json.loads(done.stdout) if code < 2 else done.stderr


def told(report):
    """What was done by switchovers, and when."""
    return [(event["at_ms"], event["text"].removeprefix(TEXT)) for event in report["timeline"] if event["text"].startswith("switchover of ")]


def shares(report, region):
    """Of all requests, by second."""
    return report["users"]["by_second"]["regions"][region]


def test_steps_in_virtual_time(scene):
    """Half of the traffic in the first step, all of it in the second one, and then back."""
    scene.write()
    lost = {"at": "10m", "what": EU, "how": "lost", "for": "1m"}
    report = simulate(scene, document(move(at="1m", steps=[50], each="2m", **{"for": "6m"}), events=[lost], duration="15m"))
    assert told(report) == [(60000, ": 50 % moved"), (180000, ": 100 % moved"), (420000, " rolled back")]
    assert [phase["text"] for phase in report["phases"]] == ["region:eu-west lost", "region:eu-west back"], "nothing else begins or ends"
    east = shares(report, "us-east")
    assert east[30] == pytest.approx(1) and east[150] == pytest.approx(0.5) and east[300] == pytest.approx(0) and east[-1] == pytest.approx(1)
    assert report["decision_ms"] is None, "nobody decided anything"


def test_a_loss_holds_the_steps(scene):
    """Until it is over; the loss itself has the recovery that it would have."""
    scene.write()
    lost = {"at": "90s", "what": EU, "how": "lost", "for": "5m"}
    report = simulate(scene, document(move(steps=[25, 50], each="1m"), events=[lost], duration="15m"))
    steps = told(report)
    assert steps[:2] == [(0, ": 25 % moved"), (60000, ": 50 % moved")] and steps[2][1].startswith(" held at 50 %: ")
    assert steps[2][0] == 120000 and steps[3][1] == ": 100 % moved" and 390000 < steps[3][0] < 420000 and len(steps) == 4
    assert report["phases"][0]["decision_ms"] < 1000 and report["answers_unserved"] == 0


def test_what_is_refused_is_a_miss(scene):
    """By what refuses a real one; what was accepted does not."""
    scene.topology["endpoints"]["web-eu-west-1a"]["capacity"] = 1
    scene.topology["endpoints"]["web-us-east-1a"]["capacity"] = 100
    scene.write()
    report = simulate(scene, document(move()), code=1)
    assert [text for _, text in told(report)][0].startswith(" was not executed: capacity: ") and len(told(report)) == 1
    assert any("was not executed: capacity" in why for why in report["reasons"])
    report = simulate(scene, document(move(accept="capacity")))
    assert told(report) == [(0, ": 100 % moved")]


@pytest.mark.parametrize("wrong, why", [
    ({"source": "region:us-eest"}, 'did you mean "us-east"'), ({"source": "check:web"}, "region:NAME"), ({"to": "moon"}, "a region or an az"),
    ({"steps": [50, 25]}, "rise"), ({"each": "1ms"}, "each"), ({"at": "3h"}, "after the end of the drill"), ({"more": 1}, "more")])
def test_bad_ones(scene, wrong, why):
    scene.write()
    made = {"duration": "2h", "events": [LOST], "switchovers": [{**move(), **wrong}]}
    assert why in simulate(scene, made, code=2)


def ask(server, source=DRILLER):
    return addresses(query(server, source=source))


def begin(server, wanted, **body):
    reply = server.request("POST", "/v1/drills", {"document": wanted, **body})
    assert reply.status == 201, reply
    return reply.json


def test_for_the_clients_of_a_shadow_drill(scene):
    """They are led elsewhere while it is on, and nobody else is; an override that somebody puts meanwhile is what it comes back to."""
    server = settle(scene.start())
    drill = begin(server, document(move(at="300ms"), duration="1h"), mode="shadow", clients={"prefixes": [CLIENTS]})
    server.wait(lambda: ask(server) == scene.eu, "clients of the drill are led to eu-west")
    assert ask(server, source="127.1.9.1") == scene.us
    assert look(server, drill)["progress"]["step"] == f"{TEXT}: 100 % moved"
    assert server.get("/v1/overrides")["items"] == [] and server.get("/v1/switchovers")["items"] == []
    server.override("region", "eu-west", "drain")  # goes on being so in the drill
    server.wait(lambda: look(server, drill)["overrides_changed"], "it is seen")
    server.request("DELETE", f"/v1/drills/{drill['id']}")
    ended = wait_end(server, drill)
    assert ended["proof"]["differences"] == 0 and [text for _, text in told(ended["report"])] == [": 100 % moved"]


def test_it_comes_back_to_what_others_desire(scene):
    server = settle(scene.start())
    drill = begin(server, document(move(**{"for": "3s"}), duration="1h"), mode="shadow", clients={"prefixes": [CLIENTS]})
    server.wait(lambda: ask(server) == scene.eu, "clients of the drill are led to eu-west")
    server.override("region", "us-east", "drain")
    server.wait(lambda: look(server, drill)["progress"]["step"] == f"{TEXT} rolled back", "it is rolled back")
    server.wait(lambda: look(server, drill)["overrides_changed"], "it is seen")
    assert ask(server) == scene.eu, "us-east is drained, for everybody"
    server.request("DELETE", "/v1/regions/us-east/override")
    server.wait(lambda: ask(server) == scene.us, "and when it is not, in the drill, too")
    server.request("DELETE", f"/v1/drills/{drill['id']}")
    wait_end(server, drill)


def test_for_all_clients_of_a_live_drill(scene):
    """In a world of the drill's own: with its end everybody is back, whatever is killed."""
    server = settle(scene.start())
    wanted = document(move(at="200ms", accept=["capacity"]), duration="1h", mode="live")
    preview = server.request("POST", "/v1/drills?dry_run=true", {"mode": "live", "document": wanted, "reason": "game day"}).json
    accept = [finding["name"] for finding in preview["look"]["findings"] if not finding["good"]]
    begin(server, wanted, mode="live", reason="game day", confirm=preview["confirm"], accept=accept)
    server.wait(lambda: ask(server, source="127.1.9.1") == scene.eu, "all are led to eu-west")
    assert server.get("/v1/overrides")["items"] == [] and server.get("/v1/regions/us-east")["effective"] == "healthy"
    server.kill()
    server = settle(scene.start())
    assert ask(server, source="127.1.9.1") == scene.us
    assert server.get("/v1/overrides")["items"] == [] and server.get("/v1/drills")["items"][0]["because"] == "restart"


def order(server, wanted, status=201):
    preview = server.request("POST", "/v1/drills?dry_run=true", {"mode": "live", "document": wanted, "reason": "game day"})
    if preview.status != 200:
        return preview
    accept = [finding["name"] for finding in preview.json["look"]["findings"] if not finding["good"]]
    reply = server.request("POST", "/v1/drills", {"mode": "live", "document": wanted, "reason": "game day", "confirm": preview.json["confirm"],
                                                  "accept": accept})
    assert reply.status == status, reply
    return reply.json


def overrides(server):
    return [(item["kind"], item["name"], item["state"], item.get("share")) for item in server.get("/v1/overrides")["items"]]


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_by_override(scene, how):
    """Real drains, of the drill's own, that end by themselves, and are removed with it: also by the next process."""
    server = settle(scene.start())
    wanted = document(move(at="200ms", steps=[50], each="2s", accept=["capacity"]), events=[{**LOST, "what": EU, "at": "30m"}], duration="1h",
                      mode="live", live={"by": "override"})
    drill = order(server, wanted)
    server.wait(lambda: overrides(server) == [("region", "us-east", "drain", 50)], "half of it is drained")
    put = server.get("/v1/overrides")["items"][0]
    assert put["reason"].startswith(f"live drill {drill['id']}:") and put["expires"] is not None
    server.wait(lambda: overrides(server) == [("region", "us-east", "drain", None)], "all of it")
    server.wait(lambda: ask(server, source="127.1.9.1") == scene.eu, "all are led to eu-west")
    if how == "stopped":
        server.request("DELETE", f"/v1/drills/{drill['id']}")
    else:
        server.kill()
        server = settle(scene.start())
    server.wait(lambda: overrides(server) == [], "they are removed")
    server.wait(lambda: ask(server, source="127.1.9.1") == scene.us, "all are back")


def test_by_override_one_thing_at_a_time(scene):
    server = settle(scene.start())
    wanted = document(move(), events=[{**LOST, "at": "1s"}], duration="1m", mode="live", live={"by": "override"})
    reply = order(server, wanted)
    assert reply.status == 422 and "only injection can do both" in json.dumps(reply.json), reply
