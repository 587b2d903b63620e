# SPDX-License-Identifier: BSD-3-Clause
"""What doc/steering.md shows works as it stands: its topology and each of its policies load without a word, and answer."""
import json
import re

import dns.rcode
import kit
import pytest
from test_geo import DATABASE

TEXT = (kit.TOP / "doc/steering.md").read_text()
TOPOLOGY = json.loads(re.search(r"```json topology\n(.*?)```", TEXT, re.S)[1])
RECIPES = [(section.partition("\n")[0], json.loads(text)) for section in TEXT.split("\n### ")[1:]
           for text in re.findall(r"```json\n(.*?)```", section, re.S)]


def test_all_are_looked_at():
    assert {title for title, _ in RECIPES} == set(re.findall(r"^### (.+)$", TEXT, re.M)) and len(RECIPES) > 8


@pytest.mark.parametrize("title, policy", RECIPES, ids=[title for title, _ in RECIPES])
def test_recipe(site, title, policy):
    site.topology = TOPOLOGY
    site.server["geo"] = [str(DATABASE), str(DATABASE.parent / "asn.mmdb")]
    site.zone("example.com", "")
    site.policies["example.com"] = policy
    site.write()
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == 0 and done.stdout.endswith(" 0 warnings\n"), done.stderr
    server = site.start()
    known = {endpoint["addresses"] for endpoint in TOPOLOGY["endpoints"].values()}
    for name in policy["names"]:
        assert set(server.sample(f"{name}.example.com", 20)) <= known - {"192.0.2.80"}
        for region in TOPOLOGY["regions"]:
            server.override("region", region, "drain", title)
        reply = server.ask(f"{name}.example.com")
        assert reply.rcode() == dns.rcode.NOERROR and not reply.answer  # drained is never served, by no recipe
        for region in TOPOLOGY["regions"]:
            server.override("region", region, "auto", title)
