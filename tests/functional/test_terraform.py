# SPDX-License-Identifier: BSD-3-Clause
"""contrib/terraform by the real terraform, which needs no registry for it: plan, apply, change, drift and destroy against a
steerd; what is in its state, and what others have made."""
import json
import os
import shutil
import subprocess

import pytest

import kit

TERRAFORM = shutil.which("terraform", path=os.environ["PATH"] + ":/usr/local/bin")
FOLDER = kit.TOP / "contrib/terraform"
NOTHING, SOMETHING = 0, 2  # plan -detailed-exitcode
AGAIN = "-replace=module.steerd.terraform_data.documents"
SECRET = "st1.nobody.0123456789abcdef"

pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="terraform is not installed")


class Workspace:
    def __init__(self, site):
        self.site, self.main = site, site.folder / "terraform/example/main.tf"
        shutil.copytree(FOLDER, site.folder / "terraform")
        rc = site.folder / "terraformrc"
        rc.write_text("")
        self.environment = {**os.environ, "TF_CLI_CONFIG_FILE": str(rc), "CHECKPOINT_DISABLE": "1", "STEERD_SOCKET": str(site.socket),
                            "STEERCTL": str(kit.STEERCTL), "TERRAFORM": TERRAFORM, "STEERD_TOKEN": SECRET}
        self.change('source = "../steerd"', f'source = "../steerd"\n  steerctl = "{kit.STEERCTL}"')

    def run(self, *words, code=0, program=None):
        done = subprocess.run([program or "../steerd-terraform", *words, "-no-color"], cwd=self.main.parent, env=self.environment,
                              capture_output=True, text=True, timeout=2 * kit.PATIENCE_S)
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        return " ".join((done.stdout + done.stderr).split())

    def apply(self, *words, code=0):
        return self.run("apply", "-auto-approve", *words, code=code)

    def plan(self, code):
        return self.run("plan", "-detailed-exitcode", code=code)

    def change(self, old, new):
        text = self.main.read_text()
        assert old in text
        self.main.write_text(text.replace(old, new))


@pytest.fixture
def server(site):
    kit.make_regions(site, azs=("ap-south-1a",))
    site.topology["checks"] = {"other": site.topology["checks"]["web"]}
    site.topology["endpoints"]["web-ap-south-1a"]["checks"] = ["other"]
    site.server["documents"] = {"owner": "api"}
    site.zone("example.com", "")
    site.policies["example.com"] = {"names": {"theirs": {"endpoints": ["web-ap-*"]}}}
    started = site.start()
    started.wait(lambda: all(d["revision"] for d in started.get("/v1/config")["documents"]), "files are taken over")
    return started


@pytest.fixture
def work(server):
    workspace = Workspace(server.site)
    workspace.run("init")
    return workspace


def documents(server):
    return [server.get(f"/v1/config/documents/{name}") for name in ("topology.json", "zones%2Fexample.com.json")]


def texts(server):
    return {rdata.to_text() for rrset in server.ask("example.com", "TXT").answer for rdata in rrset}


def test_it_is_tidy(work):
    done = subprocess.run([TERRAFORM, "fmt", "-check", "-recursive", str(FOLDER)], env=work.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "The configuration is valid" in work.run("validate")


def test_from_the_first_apply_to_the_last(server, work):
    before, generation = documents(server), server.get("/v1/status")["generation"]
    assert "run steerd-terraform instead" in work.run("plan", code=1, program=TERRAFORM)
    work.plan(SOMETHING)
    work.apply()
    assert server.get("/v1/status")["generation"] == generation + 1, "one batch"
    assert server.addresses("www.example.com")[0] in ("192.0.2.10", "192.0.2.11") and texts(server) == {'"v=spf1 -all"'}
    work.plan(NOTHING)

    work.change("weight = 60", "weight = 61")
    work.change('web-use1-b = {', '# web-use1-b = {')
    work.change("-all", "~all")
    assert "web-use1-b" in work.plan(SOMETHING)
    work.apply()
    assert server.get("/v1/status")["generation"] == generation + 2
    assert set(server.sample("www.example.com", 20)) == {"192.0.2.10"} and texts(server) == {'"v=spf1 ~all"'}
    assert server.get("/v1/config/endpoints/web-use1-a")["value"]["weight"] == 61
    work.plan(NOTHING)

    assert server.request("DELETE", "/v1/config/zones/example.com/names/www").status == 200, "somebody was faster"
    work.run("destroy", "-auto-approve")
    after = documents(server)
    after[0].pop("$comment"), after[1].pop("static")
    assert after == before, "what others have made is as it was"


def test_drift_is_told_and_mended(server, work):
    work.apply()
    assert server.request("PATCH", "/v1/config/endpoints/web-use1-a", {"weight": 1}).status == 200
    assert server.request("DELETE", "/v1/config/zones/example.com/names/www").status == 200
    assert server.request("PATCH", "/v1/config/endpoints/web-ap-south-1a", {"weight": 9}).status == 200
    told = work.plan(NOTHING)
    assert "endpoint:web-use1-a, name:example.com/www." in told and AGAIN in told and "web-ap-south-1a" not in told
    work.apply(AGAIN)
    assert "somebody else" not in work.plan(NOTHING)
    assert server.get("/v1/config/endpoints/web-use1-a")["value"]["weight"] == 60 and server.addresses("www.example.com")
    assert server.get("/v1/config/endpoints/web-ap-south-1a")["value"]["weight"] == 9


def test_what_others_made_is_not_taken(server, work):
    work.change("web = { type", "other = { type")
    work.change('checks = ["web"]', 'checks = ["other"]')
    assert "Others have made these, and they are not as they are said here: check:other" in work.plan(1)
    work.change('source = "../steerd"', 'source = "../steerd"\n  adopt = true')
    work.apply()
    assert server.get("/v1/config/checks/other")["value"]["interval"] == "2s"
    refused = work.run("destroy", "-auto-approve", code=1)
    assert 'no check "other"' in refused and server.addresses("www.example.com"), "refused as a whole"


def test_a_batch_that_is_refused_changes_nothing(server, work):
    work.change('endpoints = ["web-*"], tiers', 'endpoints = ["wbe-*"], tiers')
    before = documents(server)
    assert "wbe-*" in work.apply(code=1) and documents(server) == before
    work.change("wbe-*", "web-*")
    work.apply()
    work.plan(NOTHING)


def test_no_token_is_in_the_state(server, work):
    work.apply()
    state = (work.main.parent / "terraform.tfstate").read_text()
    assert json.loads(state)["resources"] and SECRET not in state and "socket" not in state
