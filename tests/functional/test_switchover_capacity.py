# SPDX-License-Identifier: BSD-3-Clause
"""What plans of switchovers say of capacity: by loads that endpoints report, else by what just fits; and how much names weigh."""
import pytest

from test_switchover import act, ask, begin, finding, scene, start, verify  # noqa: F401  pylint: disable=unused-import


def report_loads(server, us, eu):
    for az, load in ("us-east-1a", us), ("eu-west-1a", eu):
        server.put(f"/v1/endpoints/web-{az}/load", {"value": load, "ttl": "1h", "actor": "agent"})


def plan_capacity(server):
    """What its plan says of capacity: the finding, and the figures of both regions."""
    plan = ask(server, "?dry_run=true", {"source": "region:us-east", "reason": "a look"})
    return finding(plan["look"], "capacity"), plan["look"]["capacity"], {row["region"]: row for row in plan["look"]["capacity"]["regions"]}


def test_capacity_is_judged_by_loads_that_are_reported(scene):  # noqa: F811
    """A load at the high watermark is all of the capacity: us-east does half of its 1000, eu-west a tenth of its 500."""
    for az, capacity in ("us-east-1a", 1000), ("eu-west-1a", 500):
        scene.topology["endpoints"][f"web-{az}"].update(capacity=capacity, load={"low": 0.5, "high": 0.8})
    server = start(scene)
    found, capacity, _ = plan_capacity(server)
    assert not found["good"] and "if the fullest is just full before" in found["text"] and "report a load" in found["text"]
    assert capacity["by"] == "just_full_before" and capacity["silent"] in ("eu-west-1a", "us-east-1a")
    report_loads(server, us=0.4, eu=0.08)
    found, capacity, regions = plan_capacity(server)
    assert not found["good"] and found["text"].startswith("region eu-west gets 110 % of its capacity (10 % before), by the loads that are reported"), found
    assert (capacity["by"], capacity["silent"]) == ("reported_loads", None)
    assert regions["us-east"]["before"]["load"] == pytest.approx(.5) and regions["eu-west"]["before"]["load"] == pytest.approx(.1)
    assert regions["eu-west"]["after"]["load"] == pytest.approx(1.1) and regions["eu-west"]["capacity"] == 500
    report_loads(server, us=0.16, eu=0.08)
    found, _, regions = plan_capacity(server)
    assert found["good"] and regions["eu-west"]["after"]["load"] == pytest.approx(.5)
    shown = server.ctl("switchover", "plan", "region:us-east").stdout
    assert "eu-west: 50 % of its capacity" in shown and "before: 10 % of its capacity" in shown
    made = begin(server, execute=True)
    report_loads(server, us=0, eu=0.96)  # more came than that
    refused = act(server, made, "verify", 409)
    message = next(error["message"] for error in refused["errors"] if error["field"] == "capacity")
    assert message.startswith("region eu-west gets 120 % of its capacity, by the loads that are reported"), message


def test_what_comes_back_is_not_full_of_nothing(scene):  # noqa: F811
    """Nobody says how much us-east can take, which is drained yet: so it is not known how full it will be."""
    scene.topology["endpoints"]["web-eu-west-1a"].update(capacity=500, load={"low": 0.5, "high": 0.8})
    server = start(scene)
    server.put("/v1/endpoints/web-eu-west-1a/load", {"value": 0.4, "ttl": "1h", "actor": "agent"})
    made = begin(server, execute=True)
    verify(server, made)
    act(server, made, "commit")
    act(server, made, "reprotect", accept=["replication"], confirm="us-east", reason="there are no data")
    look = act(server, made, "failback")["look"]
    assert (look["capacity"]["by"], look["capacity"]["silent"]) == ("just_full_before", "us-east-1a"), look["capacity"]
    assert "not all of az us-east-1a report a load" in finding(look, "capacity")["text"]


def test_names_weigh_in_plans_as_they_are_asked_for(scene):  # noqa: F811
    """Nine times as many ask for www as for api, which is in eu-west."""
    scene.policies["example.com"]["names"]["api"] = {"ttl": 1, "endpoints": ["web-eu-*"]}
    server = start(scene)
    _, capacity, regions = plan_capacity(server)
    assert capacity["weights"] == "names" and regions["us-east"]["before"]["share"] == pytest.approx(.5)
    assert regions["us-east"]["before"]["answers_per_second"] is None
    server.sample("www.example.com", 90), server.sample("api.example.com", 10)
    found, capacity, regions = plan_capacity(server)
    assert capacity["weights"] == "answers" and "names weigh by the answers of the last 5 minutes" in found["text"]
    assert regions["us-east"]["before"]["share"] == pytest.approx(.9, abs=.02) and regions["eu-west"]["after"]["share"] == pytest.approx(1)
    assert regions["us-east"]["before"]["answers_per_second"] > 5 * regions["eu-west"]["before"]["answers_per_second"] > 0
    assert "answers per second (before: " in server.ctl("switchover", "plan", "region:us-east").stdout
