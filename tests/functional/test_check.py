# SPDX-License-Identifier: BSD-3-Clause
"""steerd --check: everything that is wrong, at once, with file and line; and a server that does not start on it."""
import json
import shutil

import pytest

import kit


def check(site, code):
    done = kit.run_steerd("-c", str(site.config), "--check")
    assert done.returncode == code, done
    return done


def good(site):
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", {"www": {"endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    return site.write()


def test_good_configuration(site):
    done = check(good(site), 0)
    assert done.stderr == ""


def test_the_sample_is_good(tmp_path):
    shutil.copytree(kit.TOP / "zones", tmp_path / "zones", ignore=shutil.ignore_patterns("var"))
    done = kit.run_steerd("-c", str(tmp_path / "zones/steerd.json"), "--check")
    assert (done.returncode, done.stderr) == (0, "")


def place_of(text, path):
    """(line, column) pairs of a file's errors; column 0 where there is none."""
    places = []
    for line in text.splitlines():
        name, _, rest = line.partition(".json:" if path.endswith(".json") else ".zone:")
        if path.rsplit(".", 1)[0].rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1] and rest[:1].isdigit():
            line_text, _, more = rest.partition(":")
            column = more.split(":")[0]
            places.append((int(line_text), int(column) if column.isdigit() else 0))
    return places


def test_all_errors_of_all_documents_at_once(site):
    good(site)
    site.put("topology.json", """{
  "regions": { "us-east": { "azs": { "us-east-1a": {} } }, "eu-west": { "azs": {} } },
  "colour": "red",
  "checks": { "web": { "type": "smoke", "port": 99999 } },
  "endpoints": {
    "a": { "az": "mars", "addresses": ["192.0.2.1"] },
    "b": { "az": "us-east-1a", "addresses": ["192.0.2.256"], "weight": -1 },
    "c": { "az": "us-east-1a", "addresses": [], "checks": ["nope"] }
  }
}
""")
    said = check(site, 1).stderr
    lines = {line for line, _ in place_of(said, "topology.json")}
    assert {3, 4, 6, 7, 8} <= lines, said
    for word in "colour", "smoke", "99999", "mars", "192.0.2.256", "nope":
        assert word in said, word


def test_zone_and_policy_errors_together(site):
    good(site)
    site.zone("example.com", "www 60 IN A 192.0.2.300\nok 60 IN A 192.0.2.1\nodd 60 IN NOTATYPE x\n")
    site.zone("example.net", "www 60 IN AAAA nonsense\n")
    site.policies["example.com"] = {"names": {"www": {"endpoints": ["nothing-*"]},
                                              "api": {"endpoints": ["web-*"], "tiers": [["mars"]]}}}
    site.write()
    said = check(site, 1).stderr
    assert {line for line, _ in place_of(said, "zones/example.com.zone")} == {4, 6}, said
    assert {line for line, _ in place_of(said, "zones/example.net.zone")} == {4}, said
    for word in "nothing-*", "mars", "NOTATYPE", "192.0.2.300":
        assert word in said, word


@pytest.mark.parametrize("text, line", [
    ("", 1), ("{", 1), ("[]", 1), ("{\n \"listen\": [\"127.0.0.1:5300\",]\n}", 2),
    ("{\n \"listen\": [\"127.0.0.1:5300\"],\n \"listen\": []\n}", 3),
    ("{\n \"listen\": [\"127.0.0.1:5300\"],\n \"zones\": \"zones\",\n \"colour\": 1\n}", 4),
    ("{\n \"listen\": \"127.0.0.1\",\n \"zones\": \"zones\"\n}", 2),
])
def test_bad_server_documents(site, text, line):
    good(site)
    site.put("steerd.json", text)
    said = check(site, 1).stderr
    assert line in {found for found, _ in place_of(said, "steerd.json")}, said


def test_missing_files(site):
    done = kit.run_steerd("-c", str(site.folder / "nowhere.json"), "--check")
    assert done.returncode == 1 and "nowhere.json" in done.stderr
    good(site)
    (site.folder / "topology.json").unlink()
    assert "topology.json" in check(site, 1).stderr


def test_policy_without_a_zone(site):
    good(site)
    site.put("zones/example.org.json", {"names": {}})
    assert "example.org" in check(site, 1).stderr


@pytest.mark.parametrize("text", [
    "www 60 IN CNAME a\nwww 60 IN A 192.0.2.1\n",   # a CNAME and other data
    "www.example.org. 60 IN A 192.0.2.1\n",         # not in this zone
    "@ 60 IN SOA ns1 hostmaster 1 2 3 4 5\n@ 60 IN SOA ns2 hostmaster 1 2 3 4 5\n",
    "www 60 IN TXT \"never ends\n",
    "www 60 IN MX ( 10 mail\n",
    "www 60 CH A 192.0.2.1\n",
    "$INCLUDE /etc/passwd\n",
    "$NONSENSE x\n",
])
def test_bad_zones(site, text):
    done = check(site.zone("example.com", text).write(), 1)
    assert place_of(done.stderr, "zones/example.com.zone"), done.stderr


@pytest.mark.parametrize("text", [
    "d 60 IN DNAME a.\nx.d 60 IN A 192.0.2.1\n",
    "d 60 IN DNAME a.\nd 60 IN NS b.\n",
    "* 60 IN NS b.\n",
    "sub 60 IN SOA ns1 hostmaster 1 2 3 4 5\n",
])
def test_zones_that_contradict_themselves(site, text):
    done = check(site.zone("example.com", text).write(), 1)
    assert place_of(done.stderr, "zones/example.com.zone"), done.stderr


def test_warnings_of_zones_have_places_too(site):
    text = "a 60 IN A 192.0.2.1\na 60 IN A 192.0.2.1\na 90 IN A 192.0.2.2\n@ 60 IN MX 1 gone\n_s 60 IN SRV 1 1 1 al\n" \
        "al 60 IN CNAME a\nsub 60 IN NS ns.sub\n  60 IN TXT x\nx.*.w 60 IN A 192.0.2.1\n"
    start = kit.SOA.count("\n")
    done = check(site.zone("example.com", text).write(), 0)
    found = {(line - start, column) for line, column in place_of(done.stderr, "zones/example.com.zone")}
    assert found == {(2, 1), (3, 1), (4, 1), (5, 1), (7, 1), (8, 3), (9, 1)}, done.stderr
    assert "7 warnings" in done.stdout and ": error:" not in done.stderr


def test_a_zone_without_a_soa(site):
    assert "SOA" in check(site.zone("example.com", "www 60 IN A 192.0.2.1\n", soa="").write(), 1).stderr


def test_the_server_does_not_start_on_errors(site):
    good(site)
    site.put("topology.json", "{}}")
    done = kit.run_steerd("-c", str(site.config))
    assert done.returncode == 1 and "topology.json" in done.stderr and "answers queries" not in done.stderr


def test_usage():
    for arguments in [], ["--check"], ["-c"], ["-c", "x", "--what"], ["-c", "x", "extra"]:
        assert kit.run_steerd(*arguments).returncode == 2
    assert "--check" in kit.run_steerd("--help").stdout
    assert kit.run_steerd("--version").stdout.startswith("steerd ")


def test_check_touches_nothing(site):
    good(site)
    before = sorted(str(path) for path in site.folder.rglob("*"))
    check(site, 0)
    assert sorted(str(path) for path in site.folder.rglob("*")) == before


def test_comments_are_allowed_everywhere(site):
    good(site)
    def comment(value):
        if isinstance(value, dict):
            return {"$comment": "why", **{key: comment(inner) for key, inner in value.items()}}
        return value
    for path in "steerd.json", "topology.json", "zones/example.com.json":
        site.put(path, comment(json.loads((site.folder / path).read_text())))
    assert check(site, 0).stderr == ""


def test_errors_of_all_files_at_once(site):
    """A broken steerd.json and a broken topology keep nobody from reading on: one run lists it all."""
    good(site)
    site.zone("example.net", "www 60 IN AAAA nonsense\n")
    site.write()
    config = json.loads(site.config.read_text())
    site.put("steerd.json", json.dumps(config | {"colour": "red"}))
    site.put("topology.json", '{ "regions": { "us-east": 5 } }')
    said = check(site, 1).stderr
    for word in "colour", "regions.us-east", "example.net.zone:4":
        assert word in said, said
    assert "web-" not in said, "the policy was judged by a broken topology:\n" + said
    assert "topology.json: warning: the policies were checked for their syntax only" in said
    assert said.splitlines()[-1].endswith("steerd.json: 3 errors, 1 warning"), said
    site.put("zones/example.com.json", '{ "names": {')
    said = check(site, 1).stderr
    assert "example.com.json:1" in said and "example.net.zone:4" in said, said


def test_policies_are_judged_beside_a_broken_server_document(site):
    good(site)
    site.policies["example.com"] = {"names": {"www": {"endpoints": ["nothing-*"]}}}
    site.write()
    config = json.loads(site.config.read_text())
    site.put("steerd.json", json.dumps(config | {"threads": 0}))
    said = check(site, 1).stderr
    assert "threads" in said and "nothing-*" in said, said


@pytest.mark.parametrize("make", [
    lambda path: (path.unlink(), path.mkdir()), lambda path: (path.unlink(), path.symlink_to("nowhere"))])
def test_an_unreadable_zone_file_is_one_error(site, make):
    good(site)
    make(site.folder / "zones/example.com.zone")
    said = check(site, 1).stderr.splitlines()
    assert len(said) == 2 and "example.com.zone: error: cannot read the zone file" in said[0], said
    assert said[1].endswith("1 error, 0 warnings")


def test_an_unreadable_include_is_one_error(site):
    good(site)
    site.put("zones/example.com.zone", "$TTL 60\n$INCLUDE head.inc\n@ IN MX 10 mail\n")
    said = check(site, 1).stderr.splitlines()
    assert len(said) == 2 and "example.com.zone:2" in said[0] and "head.inc" in said[0], said


def test_a_broken_policy_makes_no_name_missing(site):
    """The MX leads to a name that only the policy would give an address."""
    good(site)
    site.zone("example.com", "@ 60 IN MX 10 mail\n")
    site.policies["example.com"] = {"names": {"mail": {"endpoints": ["web-*"], "colour": "red"}}}
    said = check(site.write(), 1).stderr.splitlines()
    assert len(said) == 2 and "colour" in said[0], said


def test_singular(site):
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.1\n")
    said = check(site.write(), 0).stdout
    assert "ok, 1 zone, 0 steered names, " in said and " 0 warnings" in said, said


def test_one_address_of_several_is_advised_against(site):
    good(site)
    names = site.policies["example.com"] = {"names": {"www": {"endpoints": ["web-*"]}, "alone": {"endpoints": ["web-us-east-1a"]}}}
    lines = check(site.write(), 0).stdout.splitlines()
    assert lines[0].startswith("advice: 1 steered name (www.example.com.) gives a client one address of several"), lines
    assert " 0 warnings" in lines[1], lines
    names["names"]["www"]["answers"] = 3
    assert "advice" not in check(site.write(), 0).stdout


def test_what_etcd_needs_is_said(site):
    good(site)
    assert "etcd needs" not in check(site.write(), 0).stdout
    site.server["cluster"] = {"name": "prod", "node": "ns1", "etcd": "http://127.0.0.1:2379"}
    said = check(site.write(), 0).stdout
    assert "advice: etcd needs its default quota (2 GiB)" in said and "0.1 revisions a second" in said, said
