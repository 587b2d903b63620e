# SPDX-License-Identifier: BSD-3-Clause
"""What contrib/gdnsd2steerd makes of what is rare in gdnsd's files, and that nothing is dropped silently. gdnsd is not
needed."""
import json
import re

import gdnsd
import kit
from test_gdnsd2steerd import ZONE, make, policy


def test_every_option_is_converted_or_named(tmp_path):
    """All that gdnsd.config(5) has; and what nothing uses."""
    needless = {"run_dir": "/x", "state_dir": "/y", "lock_mem": "true", "zones_rfc1035_threads": 2, "zones_strict_data": "true",
                "udp_rcvbuf": 4096, "udp_sndbuf": 4096, "tcp_backlog": 1, "tcp_fastopen": 1, "disable_tcp_dso": "true",
                "disable_text_autosplit": "true", "tcp_control": "127.0.0.1:885", "acme_challenge_ttl": 60, "tcp_threads": 3}
    known = {"zones_default_ttl": 600, "max_ttl": 3600, "min_ttl": 10, "max_ncache_ttl": 60, "dns_port": 54, "udp_threads": 3,
             "tcp_clients_per_thread": 100, "tcp_timeout": 20, "max_edns_response": 1400, "max_edns_response_v6": 1400,
             "edns_client_subnet": "false", "chaos_response": "x", "acme_challenge_dns_ttl": 5, "nsid_ascii": "n",
             "experimental_no_chain": "false", "disable_cookies": "true", "max_nocookie_response": 512}
    config = "options => {\n" + "".join(f"{key} => {value}\n" for key, value in (needless | known).items()) + """
  listen => { 192.0.2.1 => { tcp_fastopen => 5, tcp_timeout => 9 }, 127.0.0.1:5353 => { tcp_proxy => true, tcp_pad => true } } }
service_types => { idle => { plugin => null }, odd => { plugin => http_status, color => red } }
plugins => { extmon => { helper_path => /x, helper_failure_action => stasis }, strange => { }
 multifo => { m => { service_types => odd, a => 192.0.2.1 }, idle => { a => 192.0.2.2 } }
 geoip => { maps => { idle => { datacenters => [ a ] } }, resources => { idle => { map => idle, dcmap => { a => 192.0.2.1 } } } } }
"""
    zone = ZONE + "m 60 DYNA multifo!m\n_acme-challenge 300 TXT x\n"
    done = gdnsd.convert(make(tmp_path / "from", config, zone), tmp_path / "to")
    passed = done.stdout.split("Not needed")[1]
    for option in needless:
        assert f"option {option}: " in passed, option
    for text in ("listen 192.0.2.1:54: tcp_fastopen", "listen 127.0.0.1:5353: tcp_pad", "service type idle", "plugin extmon: helper_path",
                 "plugin extmon: helper_failure_action", "multifo idle: no zone", "geoip idle: no zone", "map idle: "):
        assert text in passed, text
    for text in "unknown plugin 'strange'", "service type odd: color", "listen 192.0.2.1:54: tcp_timeout of one address", \
            "listen 127.0.0.1:5353: tcp_proxy: version 2":
        assert text in done.stdout.split("Not needed")[0], text
    document = json.loads((tmp_path / "to/steerd.json").read_text())
    assert document["tcp"] == {"idle": "20s", "clients": 600}
    assert document["listen"] == [
        {"address": "192.0.2.1:54", "client_subnet": "off"},
        {"address": "127.0.0.1:5353", "proxies": ["0.0.0.0/0", "::/0"], "client_subnet": "off"}]
    assert "_acme-challenge 5 TXT x\n" in (tmp_path / "to/zones/example.com.zone").read_text()
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


def test_what_zone_files_of_gdnsd_may_have(tmp_path):
    """A first record without an owner, here and in what is included; strings over line ends; glue of other zones."""
    zone = "\tSOA ns1 hostmaster 1 7200 30M 3D 86400\n\tNS ns1\nns1 A 192.0.2.53\n" \
        "lines TXT \"one\ntwo\"\"three\"\nsub NS ns1.elsewhere.test.\nns1.elsewhere.test. A 192.0.2.1\n" \
        "_acme-challenge 300 TXT x\n_acme-challenge.www A 192.0.2.2\n$INCLUDE more deep\n"
    source = make(tmp_path / "from", "options => { max_ncache_ttl => 600 }", zone)
    (source / "zones/.more").write_text("")
    (tmp_path / "from/more").write_text("")
    (source / "zones/example.com").write_text(zone.replace("more deep", "../more deep"))
    (source / "more").write_text("\tTXT \"of the zone\"\nx A 192.0.2.3\n")
    done = gdnsd.convert(source, tmp_path / "to")
    text = (tmp_path / "to/zones/example.com.zone").read_text()
    assert done.returncode == 0, done
    assert "example.com.\t600 SOA ns1 hostmaster 1 7200 30M 3D 600\n" in text, "gdnsd gives it the TTL of negative answers"
    assert 'lines TXT "one\\010two" "three"\n' in text
    assert "; ns1.elsewhere.test. A 192.0.2.1\n" in text and "outside of the zone" in done.stdout
    assert "_acme-challenge 0 TXT x\n" in text and "_acme-challenge.www A 192.0.2.2\n" in text, "TXT only"
    assert 'example.com.\tTXT "of the zone"\n' in text
    checked = kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check")
    assert checked.returncode == 0, checked


def test_statuses_are_never_spans_by_accident(tmp_path):
    codes = {"one": "204", "gap": "[ 200, 503 ]", "pair": "[ 201, 200 ]", "many": "[ 200, 201, 202, 204, 999 ]", "bad": "[ 200, 1000 ]"}
    config = "service_types => {\n" + "".join(f"{name} => {{ plugin => http_status, ok_codes => {value} }}\n"
                                              for name, value in codes.items()) + \
        f"}}\nplugins => {{ multifo => {{ m => {{ service_types => [ {', '.join(codes)} ], a => 192.0.2.1 }} }} }}\n"
    done = gdnsd.convert(make(tmp_path / "from", config, ZONE + "m 600/5 DYNA multifo!m\n"), tmp_path / "to")
    checks = json.loads((tmp_path / "to/topology.json").read_text())["checks"]
    assert {name: check["status"] for name, check in checks.items()} == {
        "one": 204, "gap": "200,503", "pair": "200,201", "many": "200-202,204,999", "bad": 200}
    assert done.returncode == 2 and "service type bad: ok_codes: 1000, which are no HTTP status" in done.stdout
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


def test_a_family_that_is_down_beside_one_that_is_up(tmp_path):
    """It is answered all the same, and around it the resource has failed."""
    config = """plugins => {
 weighted => { mix => { addrs_v4 => { service_types => down, a => [ 192.0.2.1, 22 ], b => [ 192.0.2.2, 33 ] }
                        addrs_v6 => { a => [ 2001:db8::1, 22 ], b => [ 2001:db8::2, 33 ] } } }
 simplefo => { fo => { addrs_v4 => { service_types => down, primary => 192.0.2.3, secondary => 192.0.2.4 }
                       addrs_v6 => { primary => 2001:db8::3, secondary => 2001:db8::4 } } }
 metafo => { resources => { m => { datacenters => [ one, two ], dcmap => { one => %weighted!mix, two => 192.0.2.9 } } } } }
"""
    zone = ZONE + "mix 60 DYNA weighted!mix\nfo 60 DYNA simplefo!fo\nm 60 DYNA metafo!m\n"
    done = gdnsd.convert(make(tmp_path / "from", config, zone), tmp_path / "to")
    names, topology = policy(tmp_path / "to"), json.loads((tmp_path / "to/topology.json").read_text())

    def of(name):
        return [topology["endpoints"][endpoint]["addresses"] for endpoint in names[name]["endpoints"]]
    assert done.returncode == 0 and "checks" not in topology
    assert of("mix") == [["192.0.2.1", "2001:db8::1"], ["192.0.2.2", "2001:db8::2"]]
    assert of("fo")[0] == ["192.0.2.3", "2001:db8::3"] and of("m") == [["192.0.2.9"]]
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


def test_groups_of_which_each_gives_one(tmp_path):
    groups = "g1 => { a => [ 192.0.2.1, 10 ], b => [ 192.0.2.2, 20 ] }, g2 => { a => [ 192.0.2.3, 30 ] }"
    config = "plugins => { weighted => { even => { multi => true, %s }, odd => { multi => true, %s }, " \
        "one => { a => [ 192.0.2.1, 1 ] } } }" % (groups, groups.replace("30", "31"))
    zone = ZONE + "even 60 DYNA weighted!even\nodd 60 DYNA weighted!odd\none 60 DYNA weighted!one\n"
    done = gdnsd.convert(make(tmp_path / "from", config, zone), tmp_path / "to")
    names, topology = policy(tmp_path / "to"), json.loads((tmp_path / "to/topology.json").read_text())
    for name in "even", "odd":
        assert (names[name]["pick"], names[name]["answers"], names[name]["apart"]) == ("weighted", 2, "az")
        azs = [topology["endpoints"][endpoint]["az"] for endpoint in names[name]["endpoints"]]
        assert azs[0] == azs[1] != azs[2]
    assert "apart" not in names["one"] and done.returncode == 0
    assert "weighted odd: multi" in done.stdout and "weighted even: multi" not in done.stdout
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


def test_overrides_are_told_as_commands(tmp_path):
    """Of a target and its service, of all data centres of a name, and of that of one resource, by a group of names."""
    config = """options => { state_dir => %s }
service_types => { web => { plugin => http_status } }
plugins => { metafo => { service_types => web, resources => {
  shop => { datacenters => [ east, west ], dcmap => { east => 192.0.2.1, west => 192.0.2.2 } }
  blog => { datacenters => [ east, west ], dcmap => { east => 192.0.2.1, west => 192.0.2.3 } }
  own => { datacenters => [ north ], dcmap => { north => 192.0.2.4 } } } } }
""" % (tmp_path / "from")
    zone = ZONE + "www 60/5 DYNA metafo!shop\nwww.shop 60/5 DYNA metafo!shop\nblog 60/5 DYNA metafo!blog\no 60/5 DYNA metafo!own\n"
    states = "192.0.2.2/web => DOWN\nmetafo/shop/east => DOWN/30\n*/north => UP/0\nmetafo/none/east => DOWN\n" \
        "metafo/blog/east => UP\n"
    done = gdnsd.convert(make(tmp_path / "from", config, zone, admin_state=states), tmp_path / "to")
    said = {place.rpartition(":")[2]: text for place, text in re.findall("^  (\\S*admin_state:\\d+): (.*)", done.stdout, re.M)}
    commands = {line: re.findall("steerctl [^;]*", text) for line, text in said.items()}
    topology = json.loads((tmp_path / "to/topology.json").read_text())
    assert topology["name_groups"]["shop"] == ["www.example.com.", "www.shop.example.com."]
    assert len(commands["1"]) == 1 and commands["1"][0].startswith("steerctl down endpoint:")
    assert commands["2"] == ["steerctl drain region:east --names shop --ttl 30 --reason gdnsd"]
    assert commands["3"] == ["steerctl up region:north --ttl 0 --reason gdnsd"]
    assert commands["4"] == commands["5"] == [], "nothing that a zone names, and nothing that can be about some names"
    for command in (command for found in commands.values() for command in found):
        tried = kit.run_ctl("-s", str(tmp_path / "nobody"), *command.split()[1:])
        assert tried.returncode == 3 and "is steerd running?" in tried.stderr, tried
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


def test_clients_without_a_data_centre_get_no_answer(tmp_path):
    config = """plugins => { geoip => {
  maps => { m => { ignore_ecs => true, datacenters => [ a, b ], nets => { 192.0.2.0/24 => [], 198.51.100.0/24 => b } } }
  resources => { r => { map => m, dcmap => { a => 192.0.2.1, b => 192.0.2.2 } } } } }
"""
    done = gdnsd.convert(make(tmp_path / "from", config, ZONE + "r 60 DYNA geoip!r\n"), tmp_path / "to")
    rules = json.loads((tmp_path / "to/topology.json").read_text())["geo_rules"]["m"]
    assert done.returncode == 0 and policy(tmp_path / "to")["r"]["client_subnet"] == "ignore"
    nothing = next(rule for rule in rules if rule["when"] == {"cidr": ["192.0.2.0/24"]})
    assert nothing["fallback"] == "nodata" and nothing["tiers"][0]["min_healthy"] == 3
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0


def test_what_is_down_for_ever_says_how_long_answers_live(tmp_path):
    """Also where nobody is sent there: gdnsd looks at it all the same."""
    config = """service_types => { gone => { plugin => static, state => DOWN, ttl => 900 }, sure => { plugin => static, ttl => 700 } }
plugins => { multifo => { m => { service_types => [ down, gone ], a => 192.0.2.1 }, d => { service_types => down, a => 192.0.2.2 } },
 metafo => { service_types => sure, resources => { r => { datacenters => [ one, two ],
  dcmap => { one => %multifo!m, two => { service_types => gone, a => 192.0.2.3 } } },
  s => { datacenters => [ one, two ], dcmap => { one => %multifo!m, two => 192.0.2.4 } } } } }
"""
    zone = ZONE + "m 6000/60 DYNA multifo!m\nfloor 6000/1000 DYNA multifo!m\nd 6000/60 DYNA multifo!d\nr 6000/60 DYNA metafo!r\n" \
        "s 6000/60 DYNA metafo!s\n"
    done = gdnsd.convert(make(tmp_path / "from", config, zone), tmp_path / "to")
    assert done.returncode == 0, done
    assert {name: document["ttl"] for name, document in policy(tmp_path / "to").items()} == \
        {"m": 900, "floor": 1000, "d": 6000, "r": 900, "s": 700}
    assert kit.run_steerd("-c", str(tmp_path / "to/steerd.json"), "--check").returncode == 0
