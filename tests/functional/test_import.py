# SPDX-License-Identifier: BSD-3-Clause
"""`steerctl import` of PowerDNS, Knot, Route 53 and Cloudflare: each sample is converted by the real program, accepted by
steerd --check, and answered as the documentation of its source says. Clients are those of tests/data/geo/city.mmdb: US (Ashburn,
Virginia; Boardman, Oregon; Paris, Texas), IE, FR, GB, BR, AU."""
import json
import subprocess

import pytest

import importkit
import kit

ASHBURN, BOARDMAN, TEXAS = "192.0.2.0/25", "192.0.2.128/25", "203.0.113.128/25"
DUBLIN, PARIS, LONDON, BRAZIL = "198.51.100.0/24", "203.0.113.0/25", "10.1.0.0/24", "10.2.0.0/24"


def hold(imported, expected, lost=""):
    """name, type, subnet -> all answers that come."""
    for (name, rtype, subnet), texts in expected.items():
        found = imported.answers(name, rtype, subnet, 60 if len(texts) > 1 else 5)
        assert found == texts, f"{name} {rtype} from {subnet} without {lost or 'any loss'}"


def test_powerdns(site):
    """docs/lua-records: one of those that are up; the first set with one that is up; where all are down, any of all."""
    imported = importkit.Imported(site, "powerdns", "--geo", importkit.DATABASE)
    assert imported.done.returncode == 1
    imported.lose()
    everywhere = {
        ("sets", "A", None): {"A1", "A2"}, ("back", "A", None): {"B1"}, ("www", "A", None): {"A1", "A2"}, ("all", "A", None): {"A1 A2"},
        ("www", "TXT", None): {'"beside it"'}, ("ns1", "TXT", None): {'"stays; as it is"'}, ("tail", "A", None): {"192.0.2.99"}}
    hold(imported, everywhere | {
        ("random", "A", None): {"192.0.2.1", "192.0.2.2", "192.0.2.3"},
        ("sample", "A", None): {"192.0.2.1 192.0.2.2", "192.0.2.1 192.0.2.3", "192.0.2.2 192.0.2.3"},
        ("dual", "A", None): {"192.0.2.1"}, ("dual", "AAAA", None): {"2001:db8::1", "2001:db8::2"},
        ("weights", "A", None): {"192.0.2.1", "198.51.100.5"},
        ("always", "A", None): {"192.0.2.1 192.0.2.2"}, ("fixed", "A", None): {"192.0.2.7"},
        ("texts", "TXT", None): {'"one text"', '"another text"'}, ("texts", "A", None): {""},
        ("alias", "A", None): {"a.example.net.", "b.example.net."}, ("apex", "A", None): {"lb.example.net"},
        ("closest", "A", PARIS): {"203.0.113.10"}, ("closest", "A", DUBLIN): {"198.51.100.10"},
        ("closest", "A", TEXAS): {"203.0.113.130"}, ("closest", "A", ASHBURN): {"203.0.113.130"},
        ("view", "A", "192.168.5.0/24"): {"192.168.1.54"}, ("view", "A", "172.16.0.0/24"): {"10.0.0.1", "10.0.0.2"},
        ("view", "A", "8.8.8.0/24"): {"192.0.2.1"}, ("inside", "A", "8.8.8.0/24"): {""},
        ("inside", "A", "192.168.0.0/24"): {"192.168.1.54"}, ("geo", "A", None): {""}})
    assert len(imported.answers("hashed")) == 1, "one client has one address"
    assert len({" ".join(imported.answer("chashed", subnet=f"10.{number}.0.0/16")) for number in range(40)}) == 2
    shares = imported.server.get("/v1/explain?name=weights.example.com")["members"]
    assert sorted(round(100 * member["odds"]) for member in shares) == [15, 85]
    imported.lose("A1")
    hold(imported, {("sets", "A", None): {"A2"}, ("back", "A", None): {"B1"}}, "A1")
    imported.lose("A1", "A2")
    hold(imported, {("sets", "A", None): {"B1"}, ("back", "A", None): {"B1"}}, "A1 A2")
    imported.lose("A1", "A2", "B1")
    hold(imported, {("sets", "A", None): {"A1", "A2", "B1"}, ("back", "A", None): {"A1", "A2", "B1"}}, "A1 A2 B1")


def test_knot(site):
    """Module geoip: the view that fits best, with all that it has; the zone file for clients in no view."""
    imported = importkit.Imported(site, "knot")
    hold(imported, {
        ("foo", "A", ASHBURN): {"192.168.1.2 192.168.1.3"}, ("foo", "TXT", ASHBURN): {'"one" "city"'},
        ("foo", "A", BOARDMAN): {"192.168.1.1"}, ("foo", "A", PARIS): {"192.168.1.4"}, ("foo", "TXT", PARIS): {'"FR"'},
        ("foo", "A", DUBLIN): {"192.0.2.1"}, ("foo", "TXT", DUBLIN): {'"the rest of the world"'},
        ("names", "A", TEXAS): {"us.example.net."}, ("names", "A", DUBLIN): {"any.example.net."},
        ("names", "A", "8.8.8.0/24"): {""},
        ("net", "A", "10.0.0.0/25"): {"192.168.2.1 192.168.2.2"}, ("net", "AAAA", "10.0.0.0/25"): {"2001:db8::1 2001:db8::2"},
        ("net", "A", "10.0.0.128/26"): {"192.168.2.3"}, ("net", "A", "2001:db8:5::/48"): {"192.168.2.4"},
        ("net", "A", "10.0.1.0/24"): {"192.0.2.2"}, ("net", "AAAA", "10.0.1.0/24"): {"2001:db8::2"},
        ("net", "TXT", "10.0.1.0/24"): {'"no subnet"'},
        ("half", "A", "10.3.0.0/24"): {"192.168.2.5"}, ("half", "A", DUBLIN): {"192.0.2.3"}, ("half", "TXT", DUBLIN): {""},
        ("post", "MX", "10.3.0.0/24"): {"10 relay.post.example.com. 20 other.example.net."},
        ("gone", "A", "10.3.0.0/24"): {"192.168.2.6"}, ("gone", "A", DUBLIN): {""},
        ("www", "A", None): {"192.168.3.1", "192.168.3.2 192.168.3.3"}})
    assert imported.ask("foo", subnet=ASHBURN).answer[0].ttl == 20
    members = imported.server.get("/v1/explain?name=www.example.com")["members"]
    assert sorted(round(100 * member["odds"]) for member in members) == [25, 75]
    assert str(imported.server.ask("ns1.plain.example").answer[0][0]) == "192.0.2.54"


def test_route53(site):
    """Developer guide: routing policies, and what is answered where records are unhealthy."""
    imported = importkit.Imported(site, "route53", "--geo", importkit.DATABASE)
    imported.lose()
    hold(imported, {
        ("fail", "A", None): {"A1"}, ("weight", "A", None): {"A1", "A2"}, ("multi", "A", None): {"192.0.2.5 A1 A2"},
        ("static", "A", None): {"192.0.2.91 192.0.2.92"}, ("copy", "A", None): {"192.0.2.91 192.0.2.92"},
        ("sip", "SRV", None): {"1 2 5060 sip.example.net."}, ("x.any", "A", None): {"192.0.2.90"},
        ("near", "A", ASHBURN): {"192.0.2.10"}, ("near", "A", LONDON): {"192.0.2.11"}, ("near", "AAAA", LONDON): {"2001:db8::11"},
        ("geo", "A", DUBLIN): {"A1"}, ("geo", "A", PARIS): {"192.0.2.20"}, ("geo", "A", ASHBURN): {"192.0.2.21 192.0.2.22"},
        ("geo", "A", BOARDMAN): {"192.0.2.23"}, ("geo", "A", BRAZIL): {"192.0.2.24"},
        ("prox", "A", BOARDMAN): {"192.0.2.30"}, ("prox", "A", DUBLIN): {"192.0.2.31"},
        ("cidr", "A", "192.168.3.0/25"): {"192.0.2.40"}, ("cidr", "A", "2001:db8:3::/56"): {"192.0.2.40"},
        ("cidr", "A", DUBLIN): {"192.0.2.41"},
        ("tree", "A", None): {"A1", "A2"}, ("calc", "A", None): {"A1"},
        ("mail", "MX", None): {"10 mx1.example.net. 20 mx2.example.net.", "10 mx3.example.net."},
        ("name", "A", None): {"a.example.net.", "b.example.net."},
        ("@", "A", None): {"dualstack.web-1.us-east-1.elb.amazonaws.com"}, ("loop", "A", None): {""}})
    imported.lose("A1")
    hold(imported, {("fail", "A", None): {"B1"}, ("weight", "A", None): {"A2"}, ("geo", "A", DUBLIN): {"192.0.2.24"},
                    ("calc", "A", None): {"A1"}, ("tree", "A", None): {"A2"}}, "A1; one of two children is enough for calc")
    imported.lose("A1", "A2")
    hold(imported, {("weight", "A", None): {"192.0.2.3 192.0.2.4"}}, "A1 A2: what has weight 0, if all others are unhealthy")
    imported.lose("A1", "B1")
    hold(imported, {("fail", "A", None): {"A1"}}, "A1 B1: the primary, if both are unhealthy")


def test_cloudflare(site):
    """Steering policies: pools in their order while they have minimum_origins, by region, by chance, by distance; then the
    fallback pool, whatever its health."""
    imported = importkit.Imported(site, "cloudflare", "--geo", importkit.DATABASE)
    imported.lose()
    hold(imported, {
        ("www", "A", None): {"A1", "A2"}, ("geo", "A", LONDON): {"C1"}, ("geo", "A", PARIS): {"B1"}, ("geo", "A", BOARDMAN): {"A1", "A2"},
        ("geo", "A", BRAZIL): {"A1", "A2"}, ("random", "A", None): {"A1", "A2", "B1"}, ("near", "A", DUBLIN): {"B1"},
        ("near", "A", BOARDMAN): {"C1"}, ("least", "A", None): {"B1"}, ("names", "A", None): {"one.example.net."},
        ("off", "A", None): {"192.0.2.98"}, ("@", "A", None): {"apex.example.net"}, ("@", "MX", None): {"10 mail.example.com."},
        ("_sip._tcp", "SRV", None): {"10 5 8806 sip.example.com."}, ("mail", "A", None): {"192.0.2.25"}, ("lost", "A", None): {""}})
    members = imported.server.get("/v1/explain?name=random.example.com")["members"]
    assert sorted(round(100 * member["odds"]) for member in members if member["odds"]) == [7, 13, 80], "0.2 and 0.8, and a third and two of the former"
    imported.lose("A1")
    hold(imported, {("www", "A", None): {"B1"}, ("random", "A", None): {"A2", "B1"}, ("fast", "A", None): {"C1"}}, "A1, of which 2 are needed")
    imported.lose("A1", "B1")
    hold(imported, {("www", "A", None): {"C1"}, ("least", "A", None): {"B1"}, ("near", "A", DUBLIN): {"C1"}}, "A1 B1")
    imported.lose("A1", "A2", "B1", "C1")
    hold(imported, {("www", "A", None): {"C1"}, ("geo", "A", PARIS): {"C1"}, ("near", "A", BOARDMAN): {"B1"}}, "all of it")


# ---- the command ----

def test_gdnsd_is_a_source_too(tmp_path):
    source = tmp_path / "from"
    (source / "zones").mkdir(parents=True)
    (source / "zones/example.com").write_text("@ SOA ns1 hostmaster 1 7200 30M 3D 900\n@ NS ns1\nns1 A 192.0.2.53\n")
    done = importkit.run("gdnsd", [source], tmp_path / "to")
    assert done.returncode == 0 and "Nothing was left out." in done.stdout
    assert importkit.check(tmp_path / "to").returncode == 0


def test_exit_codes_and_what_is_refused(tmp_path):
    source = importkit.fill_in("knot", tmp_path / "from", importkit.PLAIN)
    conf, target = source / "knot.conf", tmp_path / "to"
    assert importkit.run("knot", [conf], target).returncode == 1
    again = importkit.run("knot", [conf], target)
    assert again.returncode == 2 and again.stderr == f"steerctl: {target}: exists already; --force replaces the files in it\n"
    (target / "mine").write_text("stays")
    assert importkit.run("knot", [conf], target, "--force").returncode == 1 and (target / "mine").exists()
    for words, why in ((["knot", str(conf)], "needs --to"), (["knot", "--to", "x"], "needs a file"),
                       (["bind", str(conf), "--to", "x"], "expected cloudflare, gdnsd, knot, powerdns or route53"),
                       (["knot", str(conf), "--to", "x", "--reason", "y"], "does not take --reason"), ([str(conf)], "needs --reason")):
        done = kit.run_ctl("import", *words)
        assert done.returncode == 2 and why in done.stderr, done
    missing = importkit.run("powerdns", [tmp_path / "nowhere"], tmp_path / "new")
    assert missing.returncode == 2 and "nowhere: No such file" in missing.stderr and not (tmp_path / "new").exists()


def test_the_report_as_json(tmp_path):
    source = importkit.fill_in("route53", tmp_path / "from", importkit.PLAIN)
    done = importkit.run("route53", [source / name for name in importkit.FILES["route53"]], tmp_path / "to", "--json")
    report = json.loads(done.stdout)
    assert set(report) == {"converted", "approximated", "left_out", "not_needed", "to"} and report["to"] == str(tmp_path / "to")
    assert all(set(finding) == {"place", "text"} for key in ("approximated", "left_out", "not_needed") for finding in report[key])


@pytest.mark.parametrize("hidden", ["program", "python"])
def test_what_cannot_be_run_says_so(tmp_path, hidden):
    """Beside a steerctl that has no import program, or on a host without Python: in a namespace of mounts."""
    program = tmp_path / "steerctl"
    program.write_bytes(kit.STEERCTL.read_bytes())
    program.chmod(0o755)
    if hidden == "program":
        done = subprocess.run([program, "import", "knot", "x", "--to", tmp_path / "to"], capture_output=True, text=True, check=False,
                                  env={"PATH": "/nowhere"}, timeout=kit.PATIENCE_S)
        if "cannot be run" not in done.stderr:
            pytest.skip("an installed steerd has it")
        assert done.returncode == 2 and "a part of steerd that has to be installed" in done.stderr
        return
    (tmp_path / "steerctl-import").write_text("#!/usr/bin/python3\n")
    (tmp_path / "steerctl-import").chmod(0o755)
    done = subprocess.run(["unshare", "-rm", "sh", "-c", 'mount --bind /dev/null "$(readlink -f /usr/bin/python3)" && exec "$0" "$@"',
                               program, "import", "knot", "x", "--to", tmp_path / "to"], capture_output=True, text=True, check=False,
                              timeout=kit.PATIENCE_S)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no namespaces here")
    assert done.returncode == 2 and "needs Python" in done.stderr and "install the package python3" in done.stderr, done


def test_what_pdnsutil_lists(tmp_path):
    """Names without a final dot below "$ORIGIN .", each with its TTL."""
    path = tmp_path / "listed"
    path.write_text("$ORIGIN .\nexample.com\t300\tIN\tSOA\tns1.example.com hostmaster.example.com 1 3600 600 604800 60\n"
                    "example.com\t300\tIN\tNS\tns1.example.com.\nns1.example.com\t300\tIN\tA\t192.0.2.53\n"
                    "www.example.com\t60\tIN\tLUA\tA \"ifportup(443, {'192.0.2.1', '192.0.2.2'})\"\n")
    done = importkit.run("powerdns", [path], tmp_path / "to")
    assert done.returncode == 0 and importkit.check(tmp_path / "to").returncode == 0, done
    name = importkit.policy(tmp_path / "to")["www"]
    assert name["ttl"] == 60 and len(name["endpoints"]) == 2
    assert importkit.topology(tmp_path / "to")["checks"] == {
        "tcp-443": {"type": "tcp", "port": 443, "interval": "5s", "timeout": "2s", "fall": 1, "rise": 1}}


def test_what_commands_a_terminal_is_not_printed(tmp_path):
    path = tmp_path / "records.json"
    records = [{"Name": "example.com.", "Type": "SOA", "TTL": 1, "ResourceRecords": [{"Value": "a. b. 1 2 3 4 5"}]},
               {"Name": "example.com.", "Type": "NS", "TTL": 1, "ResourceRecords": [{"Value": "a."}]},
               {"Name": "x.example.com.", "Type": "A", "SetIdentifier": "\x1b[2J", "Weight": 1, "TTL": 1, "HealthCheckId": "\x1b]0;x\x07",
                "ResourceRecords": [{"Value": "192.0.2.1"}]}]
    path.write_text(json.dumps({"ResourceRecordSets": records}))
    done = importkit.run("route53", [path], tmp_path / "to")
    assert done.returncode == 1 and "\x1b" not in done.stdout and importkit.check(tmp_path / "to").returncode == 0, done
    for text, why in ((b'"\\ud800"', "half of a character"), (b'"\xff"', "not UTF-8")):
        path.write_bytes(b'{"ResourceRecordSets": [], "x": ' + text + b"}")
        done = importkit.run("route53", [path], tmp_path / "no")
        assert done.returncode == 2 and why in done.stderr and "Traceback" not in done.stderr, done
