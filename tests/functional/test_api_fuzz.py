# SPDX-License-Identifier: BSD-3-Clause
"""Requests that hypothesis makes out of doc/openapi.yaml, against a real steerd: whatever is asked, the answer is one that the
document has, and none says that the server failed. TEST_SEED makes it others, API_REQUESTS more."""
import collections
import os

import hypothesis
import pytest

import apifuzz
import kit

SEED, COUNT = int(os.environ.get("TEST_SEED", "7")), int(os.environ.get("API_REQUESTS", "800"))


@pytest.fixture(scope="module")
def server():
    """It has something of each kind."""
    with kit.new_site() as site:
        kit.make_regions(site, interval="1h")
        site.topology["checks"]["push"] = {"type": "push", "ttl": "1h"}
        site.topology["endpoints"]["web-us-east-1a"]["checks"].append("push")
    
        site.topology["rules"] = {"room": {"type": "lost", "at_most": 1}}
        site.server["documents"] = {"owner": "api"}
        address = kit.new_address()
        site.server["vantages"] = {"listen": [f"{address}:{kit.find_port(address)}"]}
        site.server["webhooks"] = [{"name": "hook", "url": "http://127.0.0.1:1/"}]
        site.zone("example.com", "static 60 IN A 192.0.2.1\n")
        site.policy("example.com", {"www": {"endpoints": ["*"], "tiers": [["us-east"], ["eu-west"]]}})
        server = site.start()
        for path, body in (("/v1/points", {"name": "p1", "reason": "r"}), ("/v1/tokens", {"name": "t1", "role": "viewer"}), ("/v1/vantages", {"name": "v1"}),
                           ("/v1/switchovers", {"source": "region:us-east", "reason": "r"})):
            assert server.request("POST", path, body).status == 201
        server.switchover = server.get("/v1/switchovers")["items"][0]["id"]
        yield server


def test_no_request_gets_an_answer_that_is_not_in_the_document(server):
    statuses, operations = collections.Counter(), set()

    @hypothesis.seed(SEED)
    @hypothesis.settings(max_examples=COUNT, deadline=None, database=None, phases=[hypothesis.Phase.generate],
                         suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(apifuzz.requests())
    def ask(request):
        method, path, headers, body, operation = request
        hypothesis.note(f"{method} {path} {headers} {body!r}")
        reply = server.request(method, path.replace("SWITCHOVER", server.switchover), body, headers)
        hypothesis.note(f"{reply.status} {reply.body[:2000]!r}")
        says_no = reply.status == 503 and operation == "getServing"  # somebody has withdrawn it
        assert reply.status < 500 or (reply.status == 501 and method in ("PATCH", "OPTIONS")) or says_no
        statuses[reply.status // 100] += 1
        operations.update([operation] if reply.status < 300 else [])
    ask()
    assert server.process.poll() is None
    assert statuses[2] > COUNT / 10 and len(operations) > 40, (statuses, sorted(operations))
