# SPDX-License-Identifier: BSD-3-Clause
"""Load feedback: endpoints report their load in the answers of a web server or by push, and shed weight for it. Shares of
real answers are held to what is configured by chi-square (bounds that chance passes once in 10^9 times)."""
import collections
import json

import pytest

import kit

NAME = "www.example.com"
STEP = 1 / 32
# chi-square that is passed once in 10^9 times, by degrees of freedom
CHI = {1: 37.3, 2: 41.4, 3: 44.8}


def make(site, names=None, marks=None, azs=("us-east-1a", "us-east-1b", "us-east-1c"), **check):
    """One endpoint per az, each with a web server that says its load."""
    at = kit.make_regions(site, azs=azs, load="/load/now", **check)
    for endpoint in site.topology["endpoints"].values():
        endpoint["weight"] = 10
        endpoint["load"] = {"low": 0.5, "high": 0.9, "max_age": "10s"} if marks is None else marks
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", names or {"www": {"endpoints": ["*"], "fallback": "static"}})
    return {f"web-{az}": address for az, address in at.items()}


def say(web, address, load, **how):
    body = load if isinstance(load, str) else json.dumps({"load": {"then": "x", "now": load}})
    web.behave("say", address, body=body, **how)


def wait_shed(server, endpoint, shed):
    """Until it sheds so much, give or take the step that hysteresis may hold back."""
    def look():
        target = server.get(f"/v1/endpoints/{endpoint}")
        return target if abs(target["load"]["shed"] - shed) <= STEP else None
    return server.wait(look, f"{endpoint} sheds {shed}")


def sheds(server):
    return {item["name"]: item["load"]["shed"] for item in server.get("/v1/endpoints")["items"]}


def chi_square(seen, odds, count):
    assert set(seen) <= {who for who, chance in odds.items() if chance}, "somebody answered who should not"
    return sum((seen[who] - count * chance) ** 2 / (count * chance) for who, chance in odds.items() if chance)


def hold_to_weights(server, at, weights, count=1500):
    """`count` answers are shared out by the weights, and explain says the same odds."""
    total = sum(weights.values())
    odds = {who: weight / total for who, weight in weights.items()}
    told = {member["endpoint"]: member for member in server.get(f"/v1/explain?name={NAME}")["members"]}
    for who, chance in odds.items():
        assert abs(told[who]["odds"] - chance) < 1e-6, told[who]
    names = {address: who for who, address in at.items()}
    seen = collections.Counter(names[address] for _ in range(count) for address in server.addresses(NAME))
    chi = chi_square(seen, odds, count)
    assert chi < CHI[max(1, len([1 for chance in odds.values() if chance]) - 1)], (seen, odds, chi)


def left(server):
    """endpoint -> what is left of the weight 10."""
    return {name: 10 * (1 - shed) for name, shed in sheds(server).items()}


# ---- in answers of checks ----


def test_rising_load_moves_answers_linearly(site):
    at = make(site)
    web = site.web(*at.values())
    first, *others = at
    for address in at.values():
        say(web, address, 0.1)
    server = site.start()
    for name in at:
        server.wait_state("endpoint", name, effective="healthy")
    for load, shed in ((0.1, 0), (0.5, 0), (0.6, 0.25), (0.7, 0.5), (0.8, 0.75), (0.95, 1), (0.6, 0.25), (0, 0)):
        say(web, at[first], load, chunked=load > 0.55)
        target = wait_shed(server, first, shed)
        assert (target["effective"], target["decided_by"]) == ("healthy", "verdict"), "load is not health"
        assert shed not in (0, 1) or target["load"]["shed"] == shed, "the ends are reached exactly"
        weights = left(server)
        assert all(weights[other] == 10 for other in others)
        hold_to_weights(server, at, weights)
    server.wait_log("load kind=endpoint", first, "sheds=yes", "source=check")
    server.wait_log("load kind=endpoint", first, "sheds=no", "source=check")


def wait_checks(server, endpoint, count):
    """Until it was checked so many times more."""
    for _ in range(count):
        checked = server.get(f"/v1/endpoints/{endpoint}")["last_checked"]
        server.wait(lambda: server.get(f"/v1/endpoints/{endpoint}")["last_checked"] != checked, "another check")
    return server.get(f"/v1/endpoints/{endpoint}")


@pytest.mark.parametrize("how", [
    pytest.param({"body": "no json"}, id="not-json"), pytest.param({"body": '{"load":{"now":"0.95"}}'}, id="a-string"),
    pytest.param({"body": '{"load":{"now":-1}}'}, id="negative"), pytest.param({"body": '{"load":0.95}'}, id="elsewhere"),
    pytest.param({"body": '{"load":{"now":0.95', "stall": True}, id="stalls"), pytest.param({"body": '{"load":{"now":0.95'}, id="cut"),
    pytest.param({"body": json.dumps({"x": "x" * 20000, "load": {"now": 0.95}})}, id="far-behind"),
    pytest.param({"body": "", "chunked": True}, id="empty")])
def test_what_is_no_load_is_no_failure(site, how):
    at = make(site, interval="500ms", timeout="500ms")  # a web server of ours may wait for its turn
    web = site.web(*at.values())
    first = next(iter(at))
    for address in at.values():
        say(web, address, 0.1)
    server = site.start()
    wait_checks(server, first, 2)
    web.behave("say", at[first], **how)
    target = wait_checks(server, first, 2)  # the first may have begun before
    reported = target["load"]["reported"]
    target = wait_checks(server, first, 2)
    assert (target["effective"], target["last_outcome"], target["last_status"]) == ("healthy", "ok", 200)
    assert (target["load"]["reported"], target["load"]["value"], target["load"]["shed"]) == (reported, 0.1, 0)
    say(web, at[first], 0.95)
    wait_shed(server, first, 1)


def test_refused_answers_have_no_load(site):
    at = make(site)
    web = site.web(*at.values())
    first = next(iter(at))
    web.behave("status", at[first], status=503, body='{"load":{"now":0.95}}')
    server = site.start()
    server.wait_state("endpoint", first, effective="unhealthy")
    assert server.get(f"/v1/endpoints/{first}")["load"]["reported"] is None


def test_old_reports_stop_counting(site):
    at = make(site, marks={"low": 0.5, "high": 0.9, "max_age": "1s"})
    web = site.web(*at.values())
    first = next(iter(at))
    for address in at.values():
        say(web, address, 0.1)
    say(web, at[first], 0.7)
    server = site.start()
    wait_shed(server, first, 0.5)
    web.behave("ok", at[first])  # it is fine, but says nothing any more
    target = wait_shed(server, first, 0)
    assert (target["effective"], target["load"]["value"], target["load"]["source"]) == ("healthy", None, None)
    assert target["load"]["reported"] is not None
    server.wait_log("load kind=endpoint", first, "sheds=no", "too old")
    hold_to_weights(server, at, dict.fromkeys(at, 10))


# ---- by push ----


def push(server, endpoint, value, **more):
    return server.put(f"/v1/endpoints/{endpoint}/load", {"value": value, **more})


def calm(site, **more):
    """Endpoints that nobody checks: what they report is pushed."""
    at = make(site, **more)
    for endpoint in site.topology["endpoints"].values():
        del endpoint["checks"]
    return at


def test_pushed_load_moves_answers_linearly(site):
    at = calm(site)
    first, second, _ = at
    server = site.start()
    for load, shed in ((0.4, 0), (0.6, 0.25), (0.7, 0.5), (0.8, 0.75), (0.9, 1)):
        target = push(server, first, load, actor="agent")
        assert (target["load"]["value"], target["load"]["source"], target["load"]["actor"]) == (load, "push", "agent")
        assert abs(wait_shed(server, first, shed)["load"]["shed"] - shed) < 1e-9 + STEP * (shed not in (0, 1))
        hold_to_weights(server, at, left(server), count=1000)
    push(server, second, 0.7)
    wait_shed(server, second, 0.5)
    told = server.get(f"/v1/explain?name={NAME}")
    by_name = {member["endpoint"]: member for member in told["members"]}
    assert (by_name[first]["shed"], by_name[first]["effective_weight"], by_name[first]["odds"]) == (1, 0, 0)
    assert (by_name[second]["shed"], by_name[second]["effective_weight"]) == (0.5, 5)
    assert any(first in step and "left out" in step for step in told["steps"]), told["steps"]
    assert any(second in step and "5 of 10 count" in step for step in told["steps"]), told["steps"]
    assert round(told["tiers"][0]["available"], 6) == 0.5 and told["tiers"][0]["healthy"] == 1
    metrics = server.request("GET", "/metrics").body.decode()
    assert f'steerd_endpoint_load{{endpoint="{first}"}} 0.9\n' in metrics
    assert f'steerd_endpoint_shed_ratio{{endpoint="{second}"}} 0.5\n' in metrics
    reply = server.request("DELETE", f"/v1/endpoints/{first}/load")
    assert reply.status == 200 and reply.json["load"]["value"] is None
    wait_shed(server, first, 0)
    server.wait_log("load kind=endpoint", first, "sheds=yes", "actor=agent")
    server.wait_log("load kind=endpoint", first, "report=forgotten", "actor=uid:", "peer=uid:")


def test_pushes_end_by_themselves(site):
    at = calm(site)
    first = next(iter(at))
    server = site.start()
    target = push(server, first, 0.9, ttl="5s")
    assert target["load"]["until"] > target["load"]["reported"]
    wait_shed(server, first, 1)
    target = wait_shed(server, first, 0)
    assert target["load"]["value"] is None
    hold_to_weights(server, at, dict.fromkeys(at, 10), count=300)


def test_dry_runs_change_nothing(site):
    first = next(iter(calm(site)))
    server = site.start()
    reply = server.request("PUT", f"/v1/endpoints/{first}/load?dry_run=true", {"value": 0.7})
    assert (reply.status, reply.json["dry_run"], reply.json["load"]["shed"]) == (200, True, 0.5)
    assert server.get(f"/v1/endpoints/{first}")["load"]["reported"] is None
    push(server, first, 0.9)
    reply = server.request("DELETE", f"/v1/endpoints/{first}/load?dry_run=true")
    assert (reply.status, reply.json["load"]["shed"], reply.json["load"]["value"]) == (200, 0, None)
    wait_shed(server, first, 1)
    for body, field in (({}, "value"), ({"value": -1}, "value"), ({"value": 1, "ttl": "1ms"}, "ttl"),
                        ({"value": 1, "reason": "x"}, "reason")):
        reply = server.request("PUT", f"/v1/endpoints/{first}/load", body)
        assert reply.status == 422 and [error["field"] for error in reply.json["errors"]] == [field]
    assert server.request("PUT", "/v1/endpoints/nobody/load", {"value": 1}).status == 404
    assert server.request("PUT", "/v1/azs/us-east-1a/load", {"value": 1}).status == 404
    assert server.request("GET", f"/v1/endpoints/{first}/load").status == 405


def test_steerctl(site):
    first = next(iter(calm(site)))
    server = site.start()
    assert "would shed 50 % of its weight" in server.ctl("load", f"endpoint:{first}", "0.7", "--dry-run").stdout
    assert "has load 0.7" in server.ctl("load", f"endpoint:{first}", "0.7", "--for", "1m", "--actor", "me").stdout
    wait_shed(server, first, 0.5)
    shown = server.ctl("show", f"endpoint:{first}").stdout
    assert "50 %" in shown and "me" in shown and "0.5 to 0.9" in shown
    assert "50 %" in server.ctl("endpoints").stdout
    assert "50 %" in server.ctl("explain", NAME).stdout
    assert "has no load" in server.ctl("load", f"endpoint:{first}", "forget").stdout
    assert server.ctl("load", "endpoint:nobody", "1", code=4)


# ---- what load does not do ----


def test_load_never_leaves_a_name_without_an_answer(site):
    at = calm(site)
    server = site.start()
    for name in at:
        push(server, name, 5)
    for name in at:
        wait_shed(server, name, 1)
    hold_to_weights(server, at, dict.fromkeys(at, 10), count=300)
    told = server.get(f"/v1/explain?name={NAME}")
    assert told["source"] == "tier" and any("ignored" in step for step in told["steps"])
    assert all(member["effective_weight"] == 10 for member in told["members"])
    first, *others = at
    server.override("endpoint", first, "drain")
    for other in others:
        server.override("endpoint", other, "down")
    assert server.addresses(NAME) == ["192.0.2.99"], "a drained endpoint is no way out of load"


AZS = ("us-east-1a", "us-east-1b", "eu-west-1a", "eu-west-1b")


def test_tiers_spill_load_only_where_they_may(site):
    names = {"www": {"endpoints": ["*"], "tiers": [["us-east"], ["eu-west"]], "spill_below": "100%"},
             "stay": {"endpoints": ["*"], "tiers": [["us-east"], ["eu-west"]], "min_healthy": "100%"}}
    at = calm(site, azs=AZS, names=names)
    server = site.start()
    us, eu = list(at)[:2], list(at)[2:]
    for name in us:
        push(server, name, 0.8)
    for name in us:
        wait_shed(server, name, 0.75)
    hold_to_weights(server, at, {us[0]: 1, us[1]: 1, eu[0]: 3, eu[1]: 3})
    told = server.get(f"/v1/explain?name={NAME}")
    assert [round(tier["share"], 6) for tier in told["tiers"]] == [0.25, 0.75]
    assert any("load leaves 25 %" in step for step in told["steps"])
    assert set(server.sample("stay.example.com")) == {at[name] for name in us}


def test_reloads_keep_loads_and_drills_see_them(site):
    names = {"www": {"endpoints": ["*"], "pick": "weighted"}}
    at = make(site, azs=AZS, names=names)
    web = site.web(*at.values())
    web.behave("ok")
    server = site.start()
    loaded = list(at)[2]
    for name in at:
        server.wait_state("endpoint", name, effective="healthy")
    push(server, loaded, 0.7, ttl="1h")
    wait_shed(server, loaded, 0.5)
    report = server.ctl_json("drill", "simulate", "--lose", "region:us-east")
    shares = {share["region"]: share for answer in report["answers"] for share in answer["shares"]}
    assert round(shares["eu-west"]["before"], 4) == round(1.5 / 3.5, 4), "a drill begins with the load of now"
    assert server.reload().status == 200
    assert server.get(f"/v1/endpoints/{loaded}")["load"]["shed"] == 0.5
    site.topology["endpoints"][loaded]["load"] = {"low": 0.6, "high": 1}
    site.write()
    assert server.reload().status == 200
    assert abs(server.get(f"/v1/endpoints/{loaded}")["load"]["shed"] - 0.25) <= STEP
    del site.topology["endpoints"][loaded]["load"]
    site.topology["checks"]["web"]["load"] = "/elsewhere"
    site.write()
    assert server.reload().status == 200
    states = {item["name"]: item["effective"] for item in server.get("/v1/endpoints")["items"]}
    assert states == dict.fromkeys(at, "healthy"), "where a load is looked for is no matter of health"
    load = server.get(f"/v1/endpoints/{loaded}")["load"]
    assert (load["value"], load["shed"], load["low"]) == (0.7, 0, None)
    hold_to_weights(server, at, dict.fromkeys(at, 10), count=300)
