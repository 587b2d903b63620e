# SPDX-License-Identifier: BSD-3-Clause
"""contrib/gdnsd2steerd: what it makes of gdnsd's configuration passes --check; gdnsd and steerd side by side give the same
answers, with endpoints up and down; what differs is what the report says."""
import functools
import json
import re

import pytest

import gdnsd
import kit

SAMPLES = sorted(path.name for path in gdnsd.SAMPLES.iterdir())
with_gdnsd = pytest.mark.skipif(gdnsd.GDNSD is None, reason="gdnsd is not installed (contrib/packages oracle)")
VALUES = {"LISTEN": "127.0.0.1:5300", "PORT": 8080, "A": "127.0.5.1", "B": "127.0.5.2", "C": "127.0.5.3",
          "FOLDER": "/nonexistent"}
SAMPLE_SIZE = 600
COMPLETE = {"simplefo", "multifo", "weighted", "metafo", "geoip", "geoplaces", "dync", "external", "others"}

ZONE = "@ SOA ns1 hostmaster 1 7200 30M 3D 900\n@ NS ns1\nns1 A 192.0.2.53\n"


def make(folder, config, zone=ZONE, **files):
    """A folder of gdnsd with a zone example.com."""
    (folder / "zones").mkdir(parents=True)
    (folder / "config").write_text(config)
    (folder / "zones/example.com").write_text(zone)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def policy(folder):
    return json.loads((folder / "zones/example.com.json").read_text())["names"]


# ---- without gdnsd ----

@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_passes_the_check(tmp_path, sample):
    done = gdnsd.convert(gdnsd.fill_in(sample, tmp_path / "from", VALUES), tmp_path / "to")
    assert done.returncode == (0 if sample in COMPLETE else 2), done
    assert ("Nothing was left out" in done.stdout) == (sample in COMPLETE) and done.stderr == ""
    checked = kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check")
    assert checked.returncode == 0, checked


def test_nothing_is_overwritten_without_force(tmp_path):
    source = make(tmp_path / "from", "")
    target = tmp_path / "to"
    assert gdnsd.convert(source, target).returncode == 0
    (target / "steerd.json").write_text("mine")
    done = gdnsd.convert(source, target)
    assert done.returncode == 1 and "--force" in done.stderr
    assert (target / "steerd.json").read_text() == "mine"
    assert gdnsd.convert(source, target, "--force").returncode == 0
    assert json.loads((target / "steerd.json").read_text())["zones"] == "zones"


@pytest.mark.parametrize("config, expected", [
    ("options => { listen => [ 127.0.0.1 }", "config:1: found '}', expected a string"),
    ("options => { min_ttl => 5 }\noptions => { }", "config:2: found the key 'options' again, it is at config:1"),
    ("optoins => { }", "config:1: found 'optoins', expected options, service_types or plugins"),
    ("plugins => { multifo => { m => { a => nowhere } } }", "config:1: found 'nowhere', expected an address"),
    ("plugins => { metafo => { resources => { m => { datacenters => a, dcmap => { a => nowhere } } } } }",
     "config:1: found 'nowhere', expected a host name with a final dot"),
    ("\nplugins => $include{none.cfg}", "config:2: found no file 'none.cfg' to include"),
    ("plugins => { multifo => { m => { service_types => web, a => 192.0.2.1 } } }", "config:1: found service type 'web'"),
    ("plugins => { metafo => { resources => { m => { datacenters => a, dcmap => { a => %metafo!m } } } } }",
     "found metafo!m within itself"),
])
def test_errors_name_the_place_and_write_nothing(tmp_path, config, expected):
    plugin = "metafo" if "metafo" in config else "multifo"
    done = gdnsd.convert(make(tmp_path / "from", config, ZONE + f"w 60 DYNA {plugin}!m\n"), tmp_path / "to")
    assert done.returncode == 1 and expected in done.stderr and done.stderr.count("\n") == 1, done
    assert not (tmp_path / "to").exists()


def test_the_syntax_of_the_configuration(tmp_path):
    config = 'plugins={multifo={"a b\\"c"={x\\.y=192.0.2.1,z=>"192.0.2.\\050"}} ; comment }\n# other\nstatic => $include{s}}\n'
    source = make(tmp_path / "from", config, ZONE + "s 60 DYNA static!inner\n", s='inner => "192.0.2.9"')
    assert gdnsd.convert(source, tmp_path / "to").returncode == 0
    assert "s.example.com. 60 A 192.0.2.9\n" in (tmp_path / "to/zones/example.com.zone").read_text()


def test_the_report_names_what_is_left_out(tmp_path):
    config = """options => { edns_client_subnet => false
  nonsense => 1 }
service_types => { s => { plugin => extmon, cmd => [ true ] } }
plugins => { multifo => { m => { service_types => s, a => 192.0.2.1 } }
 weighted => { w => { a => [ a.example.net., 1 ], b => [ b.example.net., 2 ] } } }
"""
    zone = ZONE + "m 60 DYNA multifo!m\nw 60 DYNA weighted!w\nr 60 DYNA reflect!dns\n"
    done = gdnsd.convert(make(tmp_path / "from", config, zone), tmp_path / "to")
    left_out = re.findall("^  (\\S+): (.*)", done.stdout.split("Left out (3):")[1].split("\n\n")[0], re.M)
    assert done.returncode == 2
    assert {place: text.split(":")[0].split(" DYN")[0] for place, text in left_out} == {
        "config:2": "option nonsense", "config:3": "service type s",
        "zones/example.com:5": "w.example.com."}
    assert json.loads((tmp_path / "to/zones/example.com.json").read_text())["whoami"] == {"r": {"address": "resolver"}}
    assert "w 60 DYNA" in (tmp_path / "to/zones/example.com.zone").read_text(), "stays as a comment"


def test_a_cname_is_alone(tmp_path):
    """What gdnsd does not load either; addresses may be anywhere."""
    config = """plugins => { weighted => { w => { a => [ a.example.net., 1 ], b => [ b.example.net., 2 ] } }
 static => { s => s.example.net. }
 multifo => { m => { a => 192.0.2.1 } } }
"""
    zone = ZONE + "@ 60 DYNC weighted!w\nw 60 DYNC weighted!w\nW TXT x\ns 60 DYNC static!s\ns 60 DYNC weighted!w\n" \
        "x 60 DYNA weighted!w\nm 60 DYNC multifo!m\nm TXT x\ngood 60 DYNC weighted!w\n"
    done = gdnsd.convert(make(tmp_path / "from", config, zone), tmp_path / "to")
    assert done.returncode == 2 and re.findall(r"example.com:(\d+): \S+ \S+ \S+: (.*)", done.stdout) == [
        ("4", "a CNAME at the apex of the zone"), ("5", "a CNAME beside other records"), ("7", "a CNAME beside other records"),
        ("8", "a CNAME beside other records"), ("9", "a CNAME, which is for DYNC only")]
    assert set(policy(tmp_path / "to")) == {"m", "good"}
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


def test_checks_are_those_of_the_service_type(tmp_path):
    config = """service_types => {
  web => { plugin => http_status, port => 8080, url_path => /up, vhost => www.example.com, ok_codes => [ 204, 200, 301 ],
           interval => 5, up_thresh => 7, ok_thresh => 1, down_thresh => 3 }
  port => { plugin => tcp_connect, port => 25, interval => 8, timeout => 3, up_thresh => 200 }
}
plugins => { multifo => { service_types => [ web, port ], m => { a => 192.0.2.1 } } }
"""
    done = gdnsd.convert(make(tmp_path / "from", config, ZONE + "m 600/5 DYNA multifo!m\n"), tmp_path / "to")
    topology = json.loads((tmp_path / "to/topology.json").read_text())
    assert done.returncode == 0 and topology["checks"] == {
        "web": {"type": "http", "port": 8080, "path": "/up", "host": "www.example.com", "status": "200,204,301",
                "interval": "5s", "timeout": "2500ms", "fall": 3, "rise": 7},
        "port": {"type": "tcp", "port": 25, "interval": "8s", "timeout": "3s", "fall": 10, "rise": 100}}
    assert "gdnsd's up_thresh is 200, steerd's rise at most 100" in done.stdout
    assert policy(tmp_path / "to")["m"]["ttl"] == 15, "5 s times 3 failures: no sooner can it go down"


def test_files_and_commands_of_service_types(tmp_path):
    config = """options => { state_dir => /var/lib/other }
service_types => {
  file => { plugin => extfile, file => states, interval => 4, up_thresh => 2, ok_thresh => 1, down_thresh => 3 }
  said => { plugin => extfile, file => /run/said, direct => true, def_down => true, def_ttl => 45 }
  run => { plugin => extmon, cmd => [ /usr/bin/check, -H, "%%ITEM%%", "http://%%ITEM%%/%50" ], interval => 6, timeout => 2,
           down_thresh => 2, up_thresh => 3, max_proc => 5 }
  once => { plugin => extmon, cmd => /bin/true, direct => true, timeout => 1 }
  odd => { plugin => extmon, cmd => [ /bin/echo, "%ADDRESS%" ] }
}
plugins => {
  multifo => { m => { service_types => [ file, said, run, once, odd ], a => 192.0.2.1, b => 2001:db8::1 } }
  weighted => { w => { service_types => [ said, run ], a => [ CDN-A.example.net., 1 ], b => [ cdn-b.example.net., 2 ] } }
}
"""
    zone = ZONE + "m 600/5 DYNA multifo!m\nw 600 DYNC weighted!w\n"
    done = gdnsd.convert(make(tmp_path / "from", config, zone), tmp_path / "to")
    topology = json.loads((tmp_path / "to/topology.json").read_text())
    assert topology["checks"] == {
        "file": {"type": "file", "file": "/var/lib/other/extfile/states", "format": "gdnsd", "key": "address", "absent": "up",
                 "interval": "4s", "fall": 3, "rise": 2},
        "said": {"type": "file", "file": "/run/said", "format": "gdnsd", "key": "address", "absent": "down", "interval": "10s",
                 "fall": 1, "rise": 1},
        "run": {"type": "exec", "command": ["/usr/bin/check", "-H", "%HOST%", "http://%HOST%/%50"], "warning": "down",
                "unknown": "down", "interval": "6s", "timeout": "2s", "fall": 2, "rise": 3},
        "once": {"type": "exec", "command": ["/bin/true"], "warning": "down", "unknown": "down", "interval": "10s",
                 "timeout": "1s", "fall": 1, "rise": 1}}
    uses = {endpoint.get("host"): endpoint["checks"] for endpoint in topology["endpoints"].values()}
    assert uses["CDN-A.example.net"] == [{"check": "said", "key": "CDN-A.example.net."}, "run"]
    assert uses[None] == ["file", "said", "run", "once"]
    assert policy(tmp_path / "to")["m"]["ttl"] == 12, "6 s times 2 failures"
    assert done.returncode == 2 and "percent signs in '%ADDRESS%'" in done.stdout and "max_proc" in done.stdout
    assert "service type said: TTLs in the file are not used" in done.stdout
    checked = kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check")
    assert checked.returncode == 0, checked


def test_addresses_of_a_limit_are_answered_in_turn(tmp_path):
    config = "plugins => { multifo => { m => [ 192.0.2.1, 192.0.2.2, 192.0.2.3 ] } }"
    zone = ZONE + "one 60 DYNA multifo!m\n$ADDR_LIMIT_V4 2\ntwo 60 DYNA multifo!m\n"
    done = gdnsd.convert(make(tmp_path / "from", config, zone), tmp_path / "to")
    names = policy(tmp_path / "to")
    assert done.returncode == 0 and names["one"]["pick"] == "all"
    assert (names["two"]["pick"], names["two"]["answers"]) == ("round-robin", 2)
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


def test_thresholds(tmp_path):
    """Counts, weights as capacities, and what can be neither."""
    config = """service_types => { web => { plugin => http_status } }
plugins => {
  weighted => { service_types => web
    light => { a => [ 192.0.2.1, 10 ], b => [ 192.0.2.2, 30 ], c => [ 192.0.2.3, 20 ] }
    other => { up_thresh => 1, a => [ 192.0.2.1, 10 ], b => [ 192.0.2.4, 25 ] }
    clash => { a => [ 192.0.2.1, 11 ], b => [ 192.0.2.5, 10 ] }
    alike => { a => [ 192.0.2.6, 5 ], b => [ 192.0.2.7, 5 ], c => [ 192.0.2.8, 5 ] } }
  multifo => { service_types => web, all => { up_thresh => 1, a => 192.0.2.6, b => 192.0.2.7 }, free => { service_types => up, a => 192.0.2.6, b => 192.0.2.7 } }
  metafo => { resources => { m => { service_types => web, datacenters => [ one, two ]
    dcmap => { one => { plugin => multifo, up_thresh => 1, a => 192.0.2.6, b => 192.0.2.7 }, two => { a => 192.0.2.9 } } } } } }
"""
    zone = ZONE + "".join(f"{name} 60 DYNA {plugin}!{name}\n" for plugin, name in (
        ("weighted", "light"), ("weighted", "other"), ("weighted", "clash"), ("weighted", "alike"), ("multifo", "all"),
        ("multifo", "free"), ("metafo", "m")))
    done = gdnsd.convert(make(tmp_path / "from", config, zone), tmp_path / "to")
    names, topology = policy(tmp_path / "to"), json.loads((tmp_path / "to/topology.json").read_text())
    capacities = {tuple(endpoint["addresses"]): endpoint.get("capacity") for endpoint in topology["endpoints"].values()}
    assert done.returncode == 0
    assert {name: document.get("min_healthy") for name, document in names.items()} == {
        "light": "50%", "other": "100%", "clash": None, "alike": 2, "all": 2, "free": None, "m": None}
    assert names["m"]["tiers"] == [{"members": ["one"], "min_healthy": 2}, ["two"]]
    assert [capacities[f"192.0.2.{n}",] for n in (1, 2, 3, 4, 5, 6)] == [10, 30, 20, 25, None, None]
    assert "clash: up_thresh: gdnsd adds up the weights of those that are up, steerd counts them, and needs 1" in done.stdout
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


def test_a_data_centre_without_coordinates_is_left_out_of_names_by_distance(tmp_path):
    config = """plugins => { geoip => {
  maps => { m => { datacenters => [ a, b, c ], auto_dc_coords => { a => [ 1, 2 ], b => [ -3.5, 4 ] }, auto_dc_limit => 0
                   nets => { 192.0.2.0/24 => [ b, a ]
                             198.51.100.0/24 => [ c, b ] } } }
  resources => { r => { map => m, dcmap => { a => 192.0.2.1, b => 192.0.2.2, c => 192.0.2.3 } } } } }
"""
    done = gdnsd.convert(make(tmp_path / "from", config, ZONE + "r 60 DYNA geoip!r\n"), tmp_path / "to")
    topology = json.loads((tmp_path / "to/topology.json").read_text())
    assert done.returncode == 2 and "config:4: geoip r: data centre c, which has no coordinates" in done.stdout
    assert policy(tmp_path / "to")["r"]["tiers"] == {"nearest": 8, "others": False}
    assert {name: region["location"] for name, region in topology["regions"].items()} == {"a": [1, 2], "b": [-3.5, 4]}
    assert topology["geo_rules"] == {"m": [{"when": {"cidr": ["192.0.2.0/24"]}, "tiers": [["b"], ["a"]]},
                                           {"when": {"cidr": ["198.51.100.0/24"]}, "tiers": [["b"]]}]}
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


# ---- side by side ----

@with_gdnsd
def test_simplefo(site):
    both = gdnsd.Both(site, "simplefo")
    both.set_down()
    assert both.compare("www.example.com") == ["A"]
    assert both.compare("mail.example.com") == ["C"]
    assert both.compare("odd.example.com") == ["B"]
    assert both.compare("six.example.com", "AAAA") == ["2001:db8::1"]
    assert both.compare("six.example.com", "A") == []
    assert both.compare("www.example.com", "MX") == ["10 mail.example.com."]
    assert both.compare("none.example.com") == []
    both.set_down("A")
    assert both.compare("www.example.com") == ["B"]
    both.set_down("A", "C")
    assert both.compare("mail.example.com", ttl=False) == ["B"]
    both.set_down("B")
    assert both.compare("www.example.com") == ["A"]
    assert both.compare("odd.example.com") == ["C"]
    both.set_down("A", "B", "C")
    assert both.compare("www.example.com") == ["A"], "both down: the primary"
    assert both.compare("odd.example.com") == ["B"]
    both.set_down()
    assert both.compare("www.example.com") == ["A"]


@with_gdnsd
def test_multifo(site):
    both = gdnsd.Both(site, "multifo")
    names = ["example.com", "hash.example.com", "list.example.com", "one.example.com", "careless.example.com",
             "x.wild.example.com"]
    for down in ("", "A", "AB", "C", "ABC", ""):
        both.set_down(*down)
        found = {name: both.compare(name, ttl=False) for name in names}
        assert found["hash.example.com"] == sorted(set("ABC") - set(down) or "ABC", key=both.webs.get)
        assert sorted(found["careless.example.com"]) == ["A", "B"]
        for rtype in "A", "AAAA":
            assert len(both.compare("pairs.example.com", rtype)) == 2
            assert len(both.compare("apart.example.com", rtype)) == (3 if rtype == "A" else 2)
    both.set_down("A")
    assert sorted(both.compare("half.example.com", ttl=False)) == ["B", "C"]


@with_gdnsd
def test_multifo_around_its_threshold(site):
    """Half of three are two: with fewer both answer as if all were up."""
    both = gdnsd.Both(site, "multifo")
    assert gdnsd.read_policy(both)["half"]["min_healthy"] == 2 and "up_thresh" not in both.done.stdout
    for down, expected in ("", "ABC"), ("A", "BC"), ("AB", "ABC"), ("B", "AC"), ("ABC", "ABC"), ("", "ABC"):
        both.set_down(*down)
        kit.wait_for(lambda: sorted(both.compare("half.example.com", ttl=False)) == list(expected), f"{expected} of {down}")


def chi_square(counts, expected):
    """Pearson's statistic of counts against shares."""
    total = sum(counts.values())
    return sum((counts[key] - total * share) ** 2 / (total * share) for key, share in expected.items())


# What the statistic exceeds once in 10^6 samples, by degrees of freedom
CRITICAL = {0: 1e-9, 1: 23.9, 2: 27.6}


def sample_both(both, name, expected, rtype="A"):
    """Until both servers give these answers only; then by their shares."""
    for at in both.gdnsd.at, both.steerd.site.listen[0]:
        wanted = {key if isinstance(key, tuple) else (key,): share for key, share in expected.items()}
        kit.wait_for(lambda: set(both.sample(at, name, rtype, 60)) == set(wanted), "the answers expected")
        counts = both.sample(at, name, rtype, SAMPLE_SIZE)
        assert set(counts) == set(wanted), (at, counts)
        assert chi_square(counts, wanted) < CRITICAL[len(expected) - 1], (at, counts)


@with_gdnsd
def test_weighted(site):
    both = gdnsd.Both(site, "weighted")
    hold = functools.partial(sample_both, both)
    both.set_down()
    hold("single.example.com", {"A": 0.6, "B": 0.3, "C": 0.1})
    hold("large.example.com", {"192.0.2.1": 0.75, "192.0.2.2": 0.25})
    hold("families.example.com", {"192.0.2.1": 0.75, "192.0.2.2": 0.25})
    hold("families.example.com", {"2001:db8::1": 0.25, "2001:db8::2": 0.25, "2001:db8::3": 0.5}, "AAAA")
    assert both.compare("equal.example.com") == ["192.0.2.1", "192.0.2.2"]
    hold("cnames.example.com", {"a.example.net.": 2 / 3, "b.example.net.": 1 / 3})
    assert both.compare("cname.example.com") == ["a.example.net."]
    both.set_down("A")
    hold("single.example.com", {"B": 0.75, "C": 0.25})
    both.set_down("A", "B", "C")
    hold("single.example.com", {"A": 0.6, "B": 0.3, "C": 0.1})
    hold("heavy.example.com", {"A": 0.6, "B": 0.3, "C": 0.1})
    both.set_down("B", "C")
    hold("heavy.example.com", {"A": 1})
    both.set_down("A")  # B and C have 40 of 100
    hold("heavy.example.com", {"A": 0.6, "B": 0.3, "C": 0.1})
    assert gdnsd.read_policy(both)["heavy"]["min_healthy"] == "50%"
    hold("apart.example.com", {("192.0.2.1", "192.0.2.3"): 1 / 3, ("192.0.2.2", "192.0.2.3"): 2 / 3})
    shares = both.sample(both.gdnsd.at, "groups.example.com", "A", 200), both.sample(site.listen[0], "groups.example.com",
                                                                                    "A", 200)
    assert {len(records) for records in shares[0]} == {1, 2} and {len(records) for records in shares[1]} == {1}, \
        "groups differ as reported"
    assert "weighted groups: gdnsd draws one group" in both.done.stdout


@with_gdnsd
def test_metafo(site):
    both = gdnsd.Both(site, "metafo")
    expected = {  # down: www, www-2, second, mixed, nested
        "": ("A", "B", "B", "A", "B"), "A": ("B", "B", "B", "B", "B"), "AB": ("C", "B", "B", "C", "C"),
        "B": ("A", "B", "B", "A", "C"), "C": ("A", "B", "B", "A", "B")}
    for down, answers in expected.items():
        both.set_down(*down)
        for name, answer in zip(("www", "www-2", "second", "mixed", "nested"), answers):
            assert both.compare(f"{name}.example.com", ttl=False) == [answer], (down, name)
    both.set_down("A", "B", "C")
    assert both.compare("www.example.com", ttl=False) == ["A"], "all down: the first data centre"
    assert both.compare("mixed.example.com", ttl=False) == ["A"]
    assert both.compare("rescue.example.com") == ["192.0.2.1"]
    for down, answers in {"": "AB", "A": "C", "B": "C", "AB": "C", "C": "AB", "AC": "AB", "ABC": "AB"}.items():
        both.set_down(*down)  # the first data centre needs both of its addresses
        kit.wait_for(lambda: sorted(both.compare("both.example.com", ttl=False)) == list(answers), f"{answers} of {down}")


CDN_A, CDN_B, CDN_C, LAST = "cdn-a.example.net.", "cdn-b.example.net.", "cdn-c.example.org.", "last.example.net."


@with_gdnsd
def test_dync_weighted(site):
    both = gdnsd.Both(site, "dync")
    both.set_down()
    for rtype in "A", "AAAA", "CNAME", "TXT":
        assert both.compare("last.example.com", rtype) == [LAST]
        assert both.compare("two.example.com", rtype) == [CDN_B]
    sample_both(both, "cdn.example.com", {CDN_A: 0.5, CDN_B: 0.3, CDN_C: 0.2})
    sample_both(both, "x.wild.example.com", {CDN_A: 0.5, CDN_B: 0.3, CDN_C: 0.2}, "TXT")
    both.force_hosts_down("cdn-a.example.net")
    sample_both(both, "cdn.example.com", {CDN_B: 0.6, CDN_C: 0.4})
    both.force_hosts_down("cdn-a.example.net", "cdn-c.example.org")
    sample_both(both, "cdn.example.com", {CDN_B: 1})
    assert both.compare("x.wild.example.com") == [CDN_B]
    both.force_hosts_down("cdn-a.example.net", "cdn-b.example.net", "cdn-c.example.org")
    sample_both(both, "cdn.example.com", {CDN_A: 0.5, CDN_B: 0.3, CDN_C: 0.2})
    both.force_hosts_down()
    sample_both(both, "cdn.example.com", {CDN_A: 0.5, CDN_B: 0.3, CDN_C: 0.2})


@with_gdnsd
def test_dync_over_data_centres(site):
    both = gdnsd.Both(site, "dync")
    both.set_down()
    us, eu, both_ways = ("192.0.2.1", 32), ("2001:db8::1", 56), ("10.1.2.3", 32)
    expected = {(): (CDN_A, CDN_A, CDN_B, CDN_B), ("a",): (CDN_B, CDN_A, CDN_B, CDN_B),
                ("b",): (CDN_A, CDN_A, CDN_B, CDN_A), ("a", "b"): (LAST, CDN_A, CDN_B, None)}
    for down, (ladder, *places) in expected.items():
        both.force_hosts_down(*(f"cdn-{letter}.example.net" for letter in down))
        for rtype in "A", "AAAA", "CNAME", "MX":
            assert both.compare("ladder.example.com", rtype, ttl=False) == [ladder], (down, rtype)
        for client, answer in zip((us, eu, both_ways), places):
            if answer is not None:  # with several, all of which are down, gdnsd answers the first, as is reported
                assert both.compare("geo.example.com", subnet=client, ttl=False) == [answer], (down, client)
    both.force_hosts_down()
    assert both.compare("ladder.example.com") == [CDN_A]
    assert both.compare("geo.example.com", subnet=us) == [CDN_A]


@with_gdnsd
def test_dync_of_addresses_and_names(site):
    both = gdnsd.Both(site, "dync")
    both.set_down()
    for rtype, found in ("A", ["A"]), ("AAAA", []), ("CNAME", []), ("TXT", []):
        assert both.compare("mixed.example.com", rtype, ttl=False) == found
    assert both.compare("addresses.example.com", subnet=("10.1.2.3", 32), ttl=False) == ["B"]
    assert sorted(both.compare("plain.example.com", ttl=False)) == ["B", "C"]
    both.set_down("A")
    sample_both(both, "mixed.example.com", {CDN_A: 0.75, CDN_B: 0.25})
    sample_both(both, "mixed.example.com", {CDN_A: 0.75, CDN_B: 0.25}, "AAAA")
    assert both.compare("several.example.com", ttl=False) == ["B"]
    both.force_hosts_down("cdn-a.example.net")
    assert both.compare("mixed.example.com", ttl=False) == [CDN_B]
    both.set_down("A", "B")
    assert both.compare("several.example.com", ttl=False) == [LAST]
    assert both.compare("addresses.example.com", subnet=("192.0.2.1", 32), ttl=False) == ["A"]
    assert both.compare("plain.example.com", ttl=False) == ["C"]
    assert "several: gdnsd answers several addresses or a CNAME, steerd one address or the CNAME" in both.done.stdout
    both.set_down()
    assert {both.ask(site.listen[0], "several.example.com").records for _ in range(4)} == \
        {((1, both.webs[letter]),) for letter in "AB"}


@with_gdnsd
def test_files_and_commands(site):
    """The same file and the same command say to both what is up."""
    both = gdnsd.Both(site, "external")
    states, flags = both.source / "states", both.source / "flags"
    names = [f"{name}.example.com" for name in ("file", "run", "all")]

    def expect(file, run, common):
        for name, letters in zip(names, (file, run, common)):
            kit.wait_for(lambda name=name, letters=letters: sorted(both.compare(name, ttl=False)) == list(letters),
                         f"{name} is {letters}")

    def say(**down):
        fresh = states.with_suffix(".new")
        fresh.write_text("".join(f"{address} => {'DOWN' if letter in down else 'UP/30'}\n"
                                 for letter, address in both.webs.items() if letter != "C"))
        fresh.rename(states)
    expect("AB", "ABC", "AB")
    say(A=True)
    expect("B", "ABC", "B")
    (flags / both.webs["B"]).unlink()
    expect("B", "AC", "AB")  # of the last one all are down
    say()
    expect("AB", "AC", "A")
    (flags / both.webs["B"]).touch()
    expect("AB", "ABC", "AB")


CLIENTS = [("192.0.2.1", 32), ("192.0.2.65", 32), ("192.0.2.97", 32), ("192.0.2.129", 32), ("192.0.2.193", 32),
           ("198.51.100.1", 32), ("198.51.100.129", 32), ("203.0.113.1", 32), ("10.1.2.3", 32), ("10.9.2.3", 32),
           ("11.0.0.1", 24), ("2001:db8::1", 56), ("2001:db8:1::", 56), ("2001:db8:1:8000::", 56), ("2001:db8:2::", 48)]


@with_gdnsd
def test_geoip(site):
    both = gdnsd.Both(site, "geoip")
    seen = set()
    for down in ("", "A", "B", "C", "AC"):
        both.set_down(*down)
        for client in CLIENTS:
            for name in "www", "www-eu", "net", "static":
                if not (name == "net" and set("AB") <= set(down)):
                    seen.add(tuple(both.compare(f"{name}.example.com", subnet=client, ttl=False)))
    assert len(seen) == 5, "each data centre answered for somebody"


@with_gdnsd
def test_geoip_by_distance_city_and_subdivision(site):
    both = gdnsd.Both(site, "geoplaces")
    clients = [("192.0.2.1", 32), ("192.0.2.65", 32), ("192.0.2.129", 32), ("198.51.100.1", 32), ("2001:db8::1", 56)]
    seen = set()
    for down in ("", "A", "B", "C"):
        both.set_down(*down)
        for client in clients:
            for name in "near", "places", "other":
                if not (name != "near" and client == clients[2] and down == "B"):  # its only data centre is down
                    seen.add(tuple(both.compare(f"{name}.example.com", subnet=client, ttl=False)))
    assert seen == {("A",), ("B",), ("C",), ("192.0.2.4",)}
    assert len(both.topology["geo_rules"]) == 2, "names of one map share its rules"


@with_gdnsd
def test_zones_and_the_rest(site):
    both = gdnsd.Both(site, "others")
    names = ["", "ns1.", "ns2.", "four.", "six.", "name.", "null.", "broken.", "extmon.", "extfile.", "fine.", "low.",
             "text.", "long.", "mail.", "host.sub.", "dyna.more.sub.", "more.sub.", "sub.", "host.deeper.", "at.", "missing."]
    for name in names:
        for rtype in "A", "AAAA", "CNAME", "TXT", "MX", "NS":
            both.compare(f"{name}example.com", rtype)
    both.compare("example.com", "SOA", ttl=False)
    for name in "alias", "zone":
        assert both.compare(f"{name}.more.sub.example.com", "CNAME")
    both.compare("1.0/25.2.0.192.in-addr.arpa", "PTR")
    assert "answers with a CNAME end there in gdnsd" in both.done.stdout
    assert both.compare("reflect.example.com", "A", ttl=False) == ["127.0.0.1"]
    assert both.compare("reflect.example.com", "A", subnet=("192.0.2.77", 32), ttl=False) == ["192.0.2.77"]
    assert both.compare("reflect.example.com", "AAAA", ttl=False) == both.compare("reflect.example.com", "MX") == []
