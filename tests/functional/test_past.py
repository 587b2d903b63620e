# SPDX-License-Identifier: BSD-3-Clause
"""What was answered then, and why: answers that were noted are found again from what is kept, whatever has happened since,
by the API and without a server."""
import datetime
import json
import os
import pathlib
import random
import shutil
import sqlite3
import time

import dns.edns
import dns.message
import dns.rcode
import pytest

import kit
import seeds

DATABASE = pathlib.Path(__file__).resolve().parent.parent / "data" / "geo" / "country.mmdb"


def now():
    """As the API writes times. Nothing else happens in that millisecond."""
    time.sleep(0.005)
    at = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(0.005)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def metric(server, name):
    for line in server.request("GET", "/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no {name}")


def wait_kept(server):
    """All that is known by now is on disk: two frames have come since."""
    first = metric(server, "steerd_last_health_writes_total")
    server.wait(lambda: metric(server, "steerd_last_health_writes_total") >= first + 2, "what is known is kept")


@pytest.fixture
def scene(site):
    """www in us-east, else eu-west."""
    site.at = kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    site.us, site.eu = ([site.at[az]] for az in ("us-east-1a", "eu-west-1a"))
    site.zone("example.com", "plain 60 IN A 192.0.2.98\n")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.web(*site.us), site.web(*site.eu)
    site.server["points"] = {"every": "0s"}  # entries are counted
    return site


def explain(server, at, name="www.example.com", **more):
    query = "".join(f"&{key}={value}" for key, value in more.items())
    return server.get(f"/v1/explain?name={name}&at={at}{query}")


def addresses(explanation):
    return sorted(answer.split()[-1] for answer in explanation["answers"])


def test_an_override_of_then_is_what_answers_came_from(scene):
    server = scene.start()
    server.wait_answers("www.example.com", scene.us)
    server.override("az", "eu-west-1a", "up"), server.override("az", "eu-west-1a", "auto")  # the journal begins
    wait_kept(server)
    before = now()
    server.put("/v1/regions/us-east/override",
               {"state": "drain", "reason": "power work", "actor": "alice", "allow_unserved": True})
    assert server.addresses("www.example.com") == scene.eu
    wait_kept(server)
    during = now()
    server.override("region", "us-east", "auto")
    assert server.addresses("www.example.com") == scene.us

    found = explain(server, before)
    assert addresses(found) == scene.us and found["at"]["time"] == before
    found = explain(server, during)
    assert addresses(found) == scene.eu
    assert any("region us-east was drained by alice" in step and '"power work"' in step for step in found["at"]["steps"])
    said = server.ctl("explain", "www.example.com", "--at", during).stdout
    assert "region us-east was drained by alice" in said and scene.eu[0] in said


def test_without_a_server_and_on_a_copy(scene, tmp_path):
    server = scene.start()
    server.wait_answers("www.example.com", scene.us)
    server.override("region", "us-east", "drain", reason="storm")
    wait_kept(server)
    during = now()
    server.override("region", "us-east", "auto")
    asked = "--at", during, "--explain", "www.example.com", "--json"
    assert addresses(json.loads(kit.run_steerd("-c", str(scene.config), *asked).stdout)) == scene.eu, "beside a server"
    server.kill()
    assert addresses(json.loads(kit.run_steerd("-c", str(scene.config), *asked).stdout)) == scene.eu
    shutil.copytree(scene.folder / "var", tmp_path / "copy")
    done = kit.run_steerd("-c", str(scene.config), "--state", str(tmp_path / "copy"), *asked)
    assert addresses(json.loads(done.stdout)) == scene.eu


def test_a_diff_names_what_changed(scene):
    scene.server["points"] = {"every": "0s"}  # none comes in between
    server = scene.start()
    server.wait_answers("www.example.com", scene.us)
    server.override("az", "eu-west-1a", "up"), server.override("az", "eu-west-1a", "auto")  # the journal begins
    wait_kept(server)
    before = now()
    drained = server.request("PUT", "/v1/regions/us-east/override", {"state": "drain", "reason": "power work", "actor": "alice", "allow_unserved": True},
                             {"Idempotency-Key": '"what is answered to it is kept, and is no difference"'})
    assert drained.status == 200
    wait_kept(server)
    after = now()
    server.override("region", "us-east", "auto")
    found = server.get(f"/v1/diff?from={before}&to={after}")
    assert [(one["kind"], one["key"]) for one in found["objects"]["items"]] == [("override", "region:us-east")]
    assert found["objects"]["items"][0]["actor"] == "alice"
    assert found["journal"]["kinds"] == [{"kind": "override", "entries": 1}, {"kind": "answer", "entries": 2}]
    assert {(one["kind"], one["name"]): (one["before"], one["after"]) for one in found["health"]["items"]} == {
        ("region", "us-east"): ("healthy", "drained"), ("az", "us-east-1a"): ("healthy", "drained"),
        ("endpoint", "web-us-east-1a"): ("healthy", "drained")}
    said = server.ctl("diff", before, after).stdout
    assert 'region:us-east: auto -> drain, by alice ("power work")' in said
    assert server.get(f"/v1/diff?from={before}")["objects"]["total"] == 0, "it has ended"
    assert "nothing differs" in server.ctl("diff", before).stdout


@pytest.mark.parametrize("moment, said", [
    ("tuesday", "expected a time such as"), ("2999-01-01T00:00:00Z", "in the future"), ("3000d", "the oldest moment"),
    ("2026-13-01T00:00:00Z", "expected a time such as")])
def test_moments_that_are_none_are_refused(scene, moment, said):
    server = scene.start()
    server.override("region", "us-east", "drain")
    reply = server.request("GET", f"/v1/explain?name=www.example.com&at={moment}")
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "at" and said in reply.json["errors"][0]["message"]
    done = server.ctl("diff", moment, code=1)
    assert said in done.stderr
    done = kit.run_steerd("-c", str(scene.config), "--at", moment, "--explain", "www.example.com")
    assert done.returncode == 2 and said in done.stderr


def test_a_diff_names_lines_of_files_and_what_they_do(scene):
    """Zones and policies line by line; secrets are not shown, here or there."""
    scene.server["keys"] = {"transfer.example": {"secret": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}}
    server = scene.start()
    server.wait_answers("www.example.com", scene.us)
    wait_kept(server)
    before = now()
    scene.zone("example.com", "plain 60 IN A 192.0.2.99\n")
    scene.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["eu-west"], ["us-east"]]}})
    scene.server["rotate"] = True
    scene.write()
    assert server.reload().status == 200
    after = now()
    found = server.get(f"/v1/diff?from={before}&to={after}")
    files = {one["path"].rsplit("/", 1)[1]: one for one in found["files"]["items"]}
    assert set(files) == {"steerd.json", "example.com.zone", "example.com.json"} and found["files"]["total"] == 3
    assert "-plain 60 IN A 192.0.2.98\n+plain 60 IN A 192.0.2.99\n" in files["example.com.zone"]["diff"]
    assert '"rotate": true' in files["steerd.json"]["diff"]
    assert files["steerd.json"]["before"]["sha256"] != files["steerd.json"]["after"]["sha256"]
    assert found["changes"]["names"]["changed"]["total"] == 1 and found["objects"]["total"] == 0
    assert any('"tiers"' in step for step in found["steps"]) and any('"rotate"' in step for step in found["steps"])
    said = server.ctl("diff", before, after).stdout
    assert "+plain 60 IN A 192.0.2.99" in said and "c2Vjcm" not in said + json.dumps(found)
    assert addresses(explain(server, before, "plain.example.com")) == ["192.0.2.98"]
    assert addresses(explain(server, after, "plain.example.com")) == ["192.0.2.99"]
    assert addresses(explain(server, before)) == scene.us and addresses(explain(server, after)) == scene.eu
    used = explain(server, before)["at"]
    assert used["missing"] == [] and used["used"]["configuration"]["generation"] == 1


def test_what_a_planned_override_was_waiting_for(scene):
    """Before its start it is told, and changes nothing; then it holds, then it is over: all of that as of then."""
    server = scene.start()
    server.wait_answers("www.example.com", scene.us)
    server.override("region", "us-east", "drain", starts_in="4s", expires_in="4s")
    wait_kept(server)
    planned = now()
    assert server.addresses("www.example.com") == scene.us
    server.wait_answers("www.example.com", scene.eu)
    wait_kept(server)
    started = now()
    server.wait_answers("www.example.com", scene.us)
    over = now()
    found = explain(server, planned)
    assert addresses(found) == scene.us and any("was to be drained" in step for step in found["at"]["steps"])
    assert found["ttl_reason"] == "planned" or found["ttl_reason"] == "ttl"
    assert addresses(explain(server, started)) == scene.eu
    found = explain(server, over)
    assert addresses(found) == scene.us and not any("drained" in step for step in found["at"]["steps"])


def test_a_recovery_point_is_a_moment(scene):
    server = scene.start()
    server.wait_answers("www.example.com", scene.us)
    server.override("region", "us-east", "drain")
    wait_kept(server)
    reply = server.request("POST", "/v1/points", {"name": "before-migration", "reason": "a test"})
    assert reply.status in (200, 201), reply
    server.override("region", "us-east", "auto")
    found = explain(server, "before-migration")
    assert addresses(found) == scene.eu and found["at"]["used"]["point"] == "before-migration"


def test_nothing_is_left_in_the_state_folder(scene):
    """Of those that ended, of one that was refused, and of one that was killed meanwhile."""
    server = scene.start()
    wait_kept(server)
    moment = now()
    left = scene.folder / "var/tmp"
    explain(server, moment)
    assert list(left.iterdir()) == []
    assert server.request("GET", f"/v1/explain?name=..&at={moment}").status == 422
    (left / "moment-AbCdEf" / "etc").mkdir(parents=True)
    (left / "moment-AbCdEf" / "etc" / "steerd.json").write_text("{}")
    server.kill()
    server.start()
    assert list(left.iterdir()) == []


def test_what_cannot_be_made_out_is_said(scene):
    """Files of the depot are gone; the journal is not."""
    server = scene.start()
    wait_kept(server)
    moment = now()
    shutil.rmtree(scene.folder / "var/depot")
    reply = server.request("GET", f"/v1/explain?name=www.example.com&at={moment}")
    assert (reply.status, reply.json["type"]) == (503, "urn:steerd:problem:no-moment") and "depot" in reply.json["detail"]
    assert server.request("GET", f"/v1/diff?from={moment}").status == 503
    assert "depot" in server.ctl("diff", moment, code=1).stderr
    del scene.server["state"]
    scene.write()
    server.stop()
    server.start()
    assert server.request("GET", f"/v1/explain?name=www.example.com&at={moment}").status == 503


def configurations(scene):
    """What the journal says of them, in order."""
    with sqlite3.connect(f"file:{scene.folder}/var/store.db?mode=ro", uri=True) as store:
        return [json.loads(row[0]) for row in
                store.execute("SELECT after FROM journal WHERE kind = 'configuration' ORDER BY seq")]


def test_where_the_configuration_is_gone_it_is_said_what_is_not(scene):
    """Of four that served the second has gone, and a point with a name has the first."""
    server = scene.start()
    moments = []
    for round_ in range(4):
        server.wait(lambda: len(configurations(scene)) == round_ + 1, "it is kept")
        moments.append(now())
        if round_ == 0:
            assert server.request("POST", "/v1/points", {"name": "before-migration"}).status == 201
        if round_ < 3:
            scene.zone("example.com", f"plain 60 IN A 192.0.2.{round_}\n").write()
            server.reload()
    kept = configurations(scene)

    def remove(name):
        (scene.folder / "var/depot" / name[:2] / name).unlink()

    remove(kept[1]["manifest"])
    reply = server.request("GET", f"/v1/explain?name=www.example.com&at={moments[1]}")
    assert (reply.status, reply.json["type"]) == (503, "urn:steerd:problem:no-moment")
    assert reply.json["kept"]["since"] == kept[2]["since"]
    assert [point["id"] for point in reply.json["kept"]["points"]] == ["before-migration"]
    assert "all that served since" in reply.json["detail"] and "before-migration" in reply.json["detail"]
    assert server.request("GET", f"/v1/diff?from={moments[1]}").json["kept"]["since"] == kept[2]["since"]
    for moment in moments[2], "before-migration":
        assert explain(server, moment)["at"]["missing"] == []
    asked = "--at", moments[1], "--explain", "www.example.com"
    assert "before-migration" in kit.run_steerd("-c", str(scene.config), *asked).stderr

    manifest = json.loads((scene.folder / "var/depot" / kept[2]["manifest"][:2] / kept[2]["manifest"]).read_text())
    only, = [file["sha256"] for file in manifest["files"] if file["path"].endswith("example.com.zone")]
    remove(only)  # as where a sweep was called off
    reply = server.request("GET", f"/v1/explain?name=www.example.com&at={moments[2]}")
    assert reply.status == 503 and reply.json["kept"]["since"] == kept[3]["since"]


def test_at_and_assume_exclude_each_other(scene):
    server = scene.start()
    reply = server.request("GET", f"/v1/explain?name=www.example.com&at={now()}&assume=region:us-east=down")
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "assume"
    first, second = now(), now()
    reply = server.request("GET", f"/v1/diff?from={second}&to={first}")
    assert reply.status == 422 and reply.json["errors"][0]["field"] == "to"
    assert server.request("GET", "/v1/diff").json["errors"][0]["field"] == "from"


def test_the_command_line_is_refused_as_a_whole(scene):
    scene.write()
    for odd in (["--at", "1h"], ["--explain", "www.example.com"], ["--state", "x"], ["--at", "1h", "--diff", "1m", "--type", "A"],
                ["--at", "1h", "--diff", "1m", "--explain", "www.example.com"], ["--at", "1h", "--explain", "a", "--check"]):
        assert kit.run_steerd("-c", str(scene.config), *odd).returncode == 2, odd
    done = kit.run_steerd("--state", "/nowhere", "--at", "1h", "--explain", "www.example.com")
    assert done.returncode == 1 and "/nowhere" in done.stderr


# ---- stories: many things happen, and answers are noted ----

SUBNETS = [None, ("198.51.100.0", 24), ("192.0.2.0", 25), ("203.0.113.0", 24)]
NAMES = ["www", "geo", "sticky", "every", "plain"]


class Story:
    """Regions us-east, eu-west and ap-east of two endpoints each. What happens is drawn by a seed; after each step the
    answers are noted, with the time."""

    def __init__(self, site, seed):
        self.site, self.random, self.notes = site, random.Random(seed), []
        azs = [f"{region}-1{letter}" for region in ("us-east", "eu-west", "ap-east") for letter in "ab"]
        site.at = kit.make_regions(site, azs=azs)
        site.server["geo"] = [str(DATABASE)]
        site.zone("example.com", self.plain(1))
        self.write_policy(["us-east", "eu-west", "ap-east"])
        self.up = {az: True for az in azs}
        self.webs = {az: site.web(site.at[az]) for az in azs}
        self.server = site.start()
        self.settle()

    def plain(self, number):
        return f"plain 60 IN A 192.0.2.{number}\n"

    def write_policy(self, order):
        tiers = [[region] for region in order]
        common = {"ttl": 5, "endpoints": ["web-*"], "tiers": tiers}
        self.site.policy("example.com", {
            "www": {**common, "pick": "all", "answers": 8},
            "geo": {**common, "pick": "all", "answers": 8,
                    "geo": [{"when": {"continent": "EU"}, "tiers": [["eu-west"], ["ap-east"], ["us-east"]]},
                            {"when": {"cidr": "203.0.113.0/24"}, "tiers": [["ap-east"], ["us-east"]]}]},
            "sticky": {**common, "pick": "sticky", "tiers": [["us-east", "eu-west"], ["ap-east"]]},
            "every": {**common, "pick": "all", "answers": 8, "tiers": [["us-east", "eu-west", "ap-east"]]}})

    # ---- what may happen ----

    def lose_or_mend(self):
        az = self.random.choice(list(self.up))
        self.up[az] = not self.up[az]
        self.webs[az].behave("ok") if self.up[az] else self.webs[az].behave("status", status=500)
        return f"{az} is {'up' if self.up[az] else 'down'}"

    def override(self):
        kind, name = self.random.choice([("region", "us-east"), ("region", "eu-west"), ("az", "ap-east-1a"),
                                         ("endpoint", "web-us-east-1a")])
        state = self.random.choice(["drain", "down", "up", "auto"])
        more = {"expires_in": "2s"} if state != "auto" and self.random.random() < 0.3 else {}
        self.server.override(kind, name, state, **more)
        return f"{kind} {name} {state} {more}"

    def change_zone(self):
        number = self.random.randrange(1, 250)
        self.site.zone("example.com", self.plain(number))
        return self.reload(f"plain is {number}")

    def change_policy(self):
        order = self.random.sample(["us-east", "eu-west", "ap-east"], 3)
        self.write_policy(order)
        return self.reload(f"tiers are {order}")

    def reload(self, what):
        self.site.write()
        assert self.server.reload().status == 200
        return what

    def restart(self):
        self.server.stop()
        self.server.start()
        return "restart"

    def crash(self):
        self.wait_archived()
        self.server.kill()
        self.server.start()
        return "crash"

    # ---- what is noted ----

    def wait_archived(self):
        """What serves is in the depot."""
        captured = metric(self.server, 'steerd_archive_captures_total{result="ok"}')
        self.server.wait(lambda: self.server.get("/v1/status")["archive"]["state"] == "ok" and captured >= 0, "kept")

    def settle(self):
        """Checks have noticed, overrides have ended; all of it is on disk."""
        def is_settled():
            overrides = self.server.get("/v1/overrides?limit=100")["items"]
            return all(one["expires"] is None for one in overrides) and all(
                (self.server.get(f"/v1/endpoints/web-{az}")["observed"] == "healthy") == up for az, up in self.up.items())
        self.server.wait(is_settled, "it is settled")
        wait_kept(self.server)

    def ask(self, name, subnet):
        options = [dns.edns.ECSOption(*subnet)] if subnet else []
        reply = self.server.send(dns.message.make_query(f"{name}.example.com", "A", use_edns=0, options=options))
        assert reply.rcode() == dns.rcode.NOERROR
        return sorted((rdata.to_text(), rrset.ttl) for rrset in reply.answer for rdata in rrset)

    def ask_all(self):
        return {(name, subnet): self.ask(name, subnet) for name in NAMES for subnet in SUBNETS if subnet or name != "sticky"}

    def note(self, what):
        at = now()
        self.notes.append((what, at, self.ask_all()))

    def step(self):
        happens = self.random.choice([self.lose_or_mend, self.lose_or_mend, self.override, self.override, self.change_zone,
                                      self.change_policy, self.restart, self.crash])
        what = happens()
        self.settle()
        self.note(what)

    def hold(self, explain_one):
        """Every note is what is explained; all differences at once."""
        wrong = []
        for what, at, answers in self.notes:
            for (name, subnet), expected in answers.items():
                found = explain_one(at, f"{name}.example.com", subnet[0] if subnet else None)
                got = sorted((answer.split()[-1], int(answer.split()[1])) for answer in found["answers"])
                is_known = found["at"]["used"]["configuration"]["manifest"] and not found["at"]["missing"]
                if got != expected or not is_known:
                    wrong.append((what, at, name, subnet, expected, got, found["at"]))
        assert not wrong, (wrong, [note[:2] for note in self.notes])


def explain_live(server):
    return lambda at, name, client: explain(server, at, name, **({"client": client} if client else {}))


def explain_dead(state):
    def ask(at, name, client):
        more = ("--client", client) if client else ()
        return json.loads(kit.run_steerd("--state", str(state), "--at", at, "--explain", name, *more, "--json").stdout)
    return ask


@pytest.mark.parametrize("seed", seeds.parse(os.environ.get("PAST_SEEDS", ""), [1, 2]))
def test_what_was_answered_is_found_again(site, tmp_path, seed):
    story = Story(site, seed)
    story.note("start")
    for _ in range(int(os.environ.get("PAST_STEPS", "5"))):
        story.step()
    story.hold(explain_live(story.server))
    shutil.copytree(site.folder / "var", tmp_path / "copy")
    story.server.stop()
    story.notes = story.notes[:1] + story.notes[-2:]
    story.hold(explain_dead(tmp_path / "copy"))


def test_without_copies_of_files_that_is_said(scene):
    """What the files say now is used, and they are not compared."""
    scene.server["keep_configuration"] = False
    server = scene.start()
    server.wait_answers("www.example.com", scene.us)
    wait_kept(server)
    moment = now()
    found = explain(server, moment)
    assert addresses(found) == scene.us and found["at"]["used"]["configuration"]["manifest"] is None
    assert any("is not kept" in one for one in found["at"]["missing"])
    found = server.get(f"/v1/diff?from={moment}")
    assert found["files"]["total"] == 0 and found["steps"] == []
    assert all(any("not compared" in one for one in found[side]["missing"]) for side in ("from", "to"))
    done = kit.run_steerd("--state", str(scene.folder / "var"), "--at", moment, "--explain", "www.example.com")
    assert done.returncode == 1 and "-c FILE" in done.stderr
