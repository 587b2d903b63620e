# SPDX-License-Identifier: BSD-3-Clause
"""What gdnsd's manual pages say that their examples answer, held against steerd with what contrib/gdnsd2steerd makes of
such configurations; gdnsd itself is not needed. test_gdnsd2steerd.py asks the real one beside it."""
import json
import pathlib

import pytest

import gdnsd
import kit

# gdnsd-plugin-multifo(8): how many of so many addresses have to be up to pass a threshold
TOTALS = (1, 2, 3, 4, 5, 6, 7, 8, 16)
THRESHOLDS = {0.1: (1, 1, 1, 1, 1, 1, 1, 1, 2), 0.2: (1, 1, 1, 1, 1, 2, 2, 2, 4), 0.3: (1, 1, 1, 2, 2, 2, 3, 3, 5),
              0.4: (1, 1, 2, 2, 2, 3, 3, 4, 7), 0.5: (1, 1, 2, 2, 3, 3, 4, 4, 8), 0.6: (1, 2, 2, 3, 3, 4, 5, 5, 10),
              0.7: (1, 2, 3, 3, 4, 5, 5, 6, 12), 0.8: (1, 2, 3, 4, 4, 5, 6, 7, 13), 0.9: (1, 2, 3, 4, 5, 6, 7, 8, 15),
              0.01: (1,) * 9, 1.0: TOTALS}
SERVICE = "service_types => { web => { plugin => http_status, port => 9, interval => 60, timeout => 30 } }\n"
ZONE = "@ SOA ns1 hostmaster 1 7200 30M 3D 900\n@ NS ns1\nns1 A 192.0.2.53\n"


def convert(folder, plugins, resources):
    """The policy of names that are called like their resources."""
    source, target = folder / "from", folder / "to"
    (source / "zones").mkdir(parents=True)
    (source / "config").write_text(SERVICE + f"plugins => {{ {plugins} }}\n")
    records = "".join(f"{resource.replace('/', '-')} 300 DYNA {plugin}!{resource}\n" for plugin, resource in resources)
    (source / "zones/example.com").write_text(ZONE + records)
    done = gdnsd.convert(source, target)
    assert done.returncode == 0, done
    return target, json.loads((target / "zones/example.com.json").read_text())["names"]


def start(site, plugins, *resources):
    """steerd on what becomes of it; the checks find nobody, so all that is up is so by an override: lose() says what."""
    target, _ = convert(site.folder, plugins, resources)
    document = json.loads((target / "steerd.json").read_text())
    document["listen"] = [f"{site.listen[0][0]}:{site.listen[0][1]}"]
    document["admin"]["socket"] = "../s"
    (target / "steerd.json").write_text(json.dumps(document))
    site.config = target / "steerd.json"
    server = kit.Server(site)
    site.running.append(server)
    server.start()
    topology = json.loads(pathlib.Path(target / "topology.json").read_text())
    endpoints = {endpoint["addresses"][0]: name for name, endpoint in topology["endpoints"].items()}
    lose(server, endpoints)
    return server, endpoints


def lose(server, endpoints, *lost):
    for address, endpoint in endpoints.items():
        server.override("endpoint", endpoint, "down" if address in lost else "up")


def test_thresholds_of_multifo(tmp_path):
    plugins = "".join(
        f"t{int(threshold * 100)}-{total} => {{ up_thresh => {threshold}" +
        "".join(f" a{number} => 127.1.{total}.{number + 1}" for number in range(total)) + " }\n"
        for threshold in THRESHOLDS for total in TOTALS)
    names = [f"t{int(threshold * 100)}-{total}" for threshold in THRESHOLDS for total in TOTALS]
    _, policy = convert(tmp_path, f"multifo => {{ service_types => web\n{plugins} }}", [("multifo", name) for name in names])
    found = {threshold: tuple(policy[f"t{int(threshold * 100)}-{total}"].get("min_healthy", 1) for total in TOTALS)
             for threshold in THRESHOLDS}
    assert found == THRESHOLDS


def odds(server, name, endpoints):
    """address -> its chance in percent, as explain says."""
    said = {member["endpoint"]: member["odds"] for member in server.get(f"/v1/explain?name={name}.example.com")["members"]}
    return {address: round(100 * said[endpoint]) for address, endpoint in endpoints.items()}


def test_odds_of_weighted(site):
    """25, 33 and 42 %; of what is up while that has half of the weight, else as if all were up."""
    server, endpoints = start(site, "weighted => { service_types => web, x => { lb01 => [ 127.1.0.1, 45 ] lb02 => "
                                    "[ 127.1.0.2, 60 ] lb03 => [ 127.1.0.3, 75 ] } }", ("weighted", "x"))
    one, two, three = "127.1.0.1", "127.1.0.2", "127.1.0.3"
    everything = {one: 25, two: 33, three: 42}
    assert odds(server, "x", endpoints) == everything
    lose(server, endpoints, three)
    assert odds(server, "x", endpoints) == {one: 43, two: 57, three: 0}  # 105 of 180 are more than 90
    lose(server, endpoints, one)
    assert odds(server, "x", endpoints) == {one: 0, two: 44, three: 56}
    for lost in (one, three), (two, three), (one, two, three):
        lose(server, endpoints, *lost)
        assert odds(server, "x", endpoints) == everything, lost


@pytest.mark.parametrize("lost, answers", [
    ("", "1"), ("1", "23"), ("12", "3"), ("13", "2"), ("123", "456"), ("1234", "56"), ("1235", "46"),
    ("12345", "1"), ("123456", "1"), ("23456", "1"), ("2", "1")])
def test_order_of_metafo(site, lost, answers):
    """Three data centres of 1, 2 and 3 addresses with the default threshold of a half: the next one where one fails, and
    the first where all do. And www-dc-02 is that data centre alone."""
    server, endpoints = start(
        site, "metafo => { service_types => web, resources => { www => { datacenters => [ dc-01, dc-02, dc-03 ]\n"
              "dcmap => { dc-01 => 127.1.0.1, dc-02 => { lb01 => 127.1.0.2, lb02 => 127.1.0.3 }\n"
              "dc-03 => [ 127.1.0.4, 127.1.0.5, 127.1.0.6 ] } } } }", ("metafo", "www"), ("metafo", "www/dc-02"))
    lose(server, endpoints, *(f"127.1.0.{number}" for number in lost))
    assert server.addresses("www.example.com") == [f"127.1.0.{number}" for number in answers]
    assert server.addresses("www-dc-02.example.com") == [f"127.1.0.{number}" for number in "23"
                                                         if number not in lost or {"2", "3"} <= set(lost)]
