# SPDX-License-Identifier: BSD-3-Clause
"""steerd --dump: a zone as it was loaded, as a master file."""
import kit

HEAD = "example.com. 300 IN SOA ns1.example.com. hostmaster.example.com. 1 3600 600 604800 30\n" \
    "example.com. 300 IN NS ns1.example.com.\n"


def dump(site, zone, code=0):
    done = kit.run_steerd("-c", str(site.config), "--dump", zone)
    assert done.returncode == code, done
    return done


def test_directives_are_carried_out(site):
    site.zone("example.com", "$ORIGIN sub\n$GENERATE 1-2 h$ 60 A 192.0.2.$\n$INCLUDE more.inc\nh1 60 A 192.0.2.1\n").write()
    site.put("zones/more.inc", "x 7 TXT a b\n")
    done = dump(site, "Example.com.")
    assert done.stdout == HEAD + "ns1.example.com. 300 IN A 192.0.2.53\nh1.sub.example.com. 60 IN A 192.0.2.1\n" \
        "h2.sub.example.com. 60 IN A 192.0.2.2\nx.sub.example.com. 7 IN TXT \"a\" \"b\"\n"
    assert "duplicate" in done.stderr


def test_what_comes_out_loads_again(site):
    text = "www 60 IN A 192.0.2.1\n@ 60 IN MX 1 www\n*.a\\.b 60 IN TXT \"q\\\"\\000\"\nx 60 IN TYPE65534 \\# 2 abcd\n"
    first = dump(site.zone("example.com", text).write(), "example.com").stdout
    again = dump(site.zone("example.com", first, soa="").write(), "example.com")
    assert (again.stdout, again.stderr) == (first, "")


def test_steered_records_are_comments(site):
    kit.make_regions(site)
    site.zone("example.com", "www 60 IN A 192.0.2.99\n")
    site.policy("example.com", {"www": {"endpoints": ["web-*"], "ttl": 5}})
    lines = dump(site.write(), "example.com").stdout.splitlines()
    assert "www.example.com. 60 IN A 192.0.2.99" in lines
    steered = [line for line in lines if line.startswith("; www.example.com. 5 IN A ")]
    assert len(steered) > 1 and all(" ; endpoint web-" in line for line in steered)


def test_other_zones_may_be_broken(site):
    site.zone("example.com", "").zone("example.net", "x 60 IN A 192.0.2.300\n").write()
    assert dump(site, "example.com").stdout.startswith(HEAD)
    done = dump(site, "example.net", 1)
    assert done.stdout == "" and "192.0.2.300" in done.stderr
    assert "example.org" in dump(site, "example.org", 4).stderr


def test_one_thing_at_a_time(site):
    site.zone("example.com", "").write()
    assert kit.run_steerd("-c", str(site.config), "--dump", "example.com", "--check").returncode == 2
    assert kit.run_steerd("-c", str(site.config), "--dump").returncode == 2
