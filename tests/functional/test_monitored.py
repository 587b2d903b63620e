# SPDX-License-Identifier: BSD-3-Clause
"""`steerctl check` as Nagios, Icinga and Zabbix read it: exit codes, the first line and the performance data of the Monitoring Plugins
Development Guidelines, and JSON; what the files in contrib/nagios and contrib/zabbix ask for is what it says."""
import contextlib
import json
import os
import pathlib
import re
import subprocess

import clusterkit
import etcdkit
import gatekit
import kit
import pytest
import yaml

OK, WARNING, CRITICAL, UNKNOWN = range(4)
STATES = ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
CONTRIB = pathlib.Path(kit.__file__).parents[2] / "contrib"

# 'label'=value[UOM];[warn];[crit];[min];[max], as the guidelines have it: labels without quotes and equals signs, numbers without exponents.
RANGE = r"@?(?:(?:~|-?\d+(?:\.\d+)?):)?(?:-?\d+(?:\.\d+)?)?"
DATUM = re.compile(rf"'([^'=\s]+)'=(-?\d+(?:\.\d+)?)(s|%|c|)(?:;({RANGE}))?(?:;({RANGE}))?(?:;(-?[\d.]+))?(?:;(-?[\d.]+))?")


def read(text):
    """As a consumer does: the state, the text, and label -> (value, unit, warning, critical)."""
    first, *more = text.splitlines()
    told, _, data = first.partition(" | ")
    found = re.fullmatch(r"STEERD (OK|WARNING|CRITICAL|UNKNOWN): (\S.*)", told)
    assert found and all(line and "|" not in line for line in more), text
    figures = {}
    for datum in data.split(" ") if data else []:
        match = DATUM.fullmatch(datum)
        assert match, datum
        label, value, unit, warning, critical, *_ = match.groups()
        assert label not in figures
        figures[label] = (float(value), unit, warning, critical)
    assert len(first) < 4096  # what consumers cut a line at
    return found[1], found[2], figures, more


def check(server, *words):
    done = server.ctl("check", *words, code=None)
    state, text, figures, more = read(done.stdout)
    assert STATES.index(state) == done.returncode, done
    return done.returncode, text, figures, more


def test_all_is_well(pair):
    code, text, figures, more = check(pair.server)
    assert code == OK and not more and "figures have a range" in text
    assert figures["regions_unhealthy"] == (0, "", "", "0") and figures["endpoints_unhealthy_share"] == (0, "%", "25", "50")
    assert figures["override_age"][1:] == ("s", "604800", "") and figures["log_dropped"][1] == "c" and figures["uptime"][0] > 0
    assert "nodes_away" not in figures and "queries_rate" not in figures  # no cluster here; that takes two looks
    assert check(pair.server, "cluster")[:3] == (OK, "there is nothing of that here", {})


def test_a_region_is_lost(pair):
    pair.east.kill()
    pair.server.wait_state("region", "us-east", effective="unhealthy")
    pair.server.wait_state("endpoint", "web-us-east-1b", effective="unhealthy")
    code, text, figures, more = check(pair.server, "health")
    assert code == CRITICAL and text.startswith("regions_unhealthy is 1 (us-east), ")
    assert "endpoints_unhealthy is 2 (web-us-east-1a, web-us-east-1b)" in text
    assert figures["regions_unhealthy"][0] == 1 and figures["endpoints_unhealthy_share"][0] == 50
    assert any(line.startswith("CRITICAL: regions_unhealthy is 1 (us-east): regions that are lost") for line in more)
    assert any(line.startswith("WARNING: azs_unhealthy is 2") for line in more)
    # What is expected is no alarm
    assert check(pair.server, "health", "--critical", "regions_unhealthy=1,endpoints_unhealthy_share=",
                 "--warning", "azs_unhealthy=2,endpoints_unhealthy=2,endpoints_unhealthy_share=50")[0] == OK
    assert check(pair.server, "regions_unhealthy", "--critical", "@0")[0] == OK
    assert check(pair.server, "regions_unhealthy", "--critical", "@1:1")[0] == CRITICAL


def test_orders_and_what_answers_say(pair):
    for az in "us-east-1a", "us-east-1b", "eu-west-1a", "eu-west-1b":
        pair.server.override("az", az, "drain")
    code, text, figures, _ = check(pair.server, "orders", "--warning", "override_age=1h,overrides=@4:")
    assert code == WARNING and text == "overrides is 4" and figures["override_age"][0] < 3600 and figures["override_age"][2] == "3600"
    assert check(pair.server, "override_age", "--critical", "0:0")[0] == CRITICAL
    asking = subprocess.Popen([pathlib.Path("/usr/bin/python3"), "-c", f"""
import dns.message, dns.query
while True:
    dns.query.udp(dns.message.make_query("www.example.com", "A"), {pair.server.site.listen[0][0]!r}, port={pair.server.site.listen[0][1]}, timeout=10)
"""])
    try:
        pair.server.wait(lambda: check(pair.server, "traffic")[2]["queries_rate"][0] > 0, "queries are counted")
        code, text, figures, _ = check(pair.server, "traffic")
        assert code == CRITICAL and figures["fallback_share"][:2] == (100, "%") and "fallback_share" in text
    finally:
        asking.kill()
        asking.wait()


@pytest.mark.skipif(etcdkit.ETCD is None or not etcdkit.PROGRAM.exists(), reason="there is no etcd, or steerd-etcd was not built")
def test_a_cluster():
    with contextlib.ExitStack() as stack:
        cluster = clusterkit.Cluster(stack, 2).start().wait_fresh()
        node = cluster.nodes["ns1"]
        node.wait(lambda: check(node, "cluster")[0] == OK, "all is well")
        assert check(node, "cluster")[2]["nodes_away"][:3] == (0, "", "0")
        cluster.nodes["ns2"].stop()
        node.wait(lambda: "nodes_away is 1" in check(node, "cluster")[1], "a node is away")
        cluster.etcd.close()
        node.wait(lambda: "etcd_unreached is 1" in check(node, "cluster")[1], "etcd is away")
        node.override("region", "us-east", "drain", emergency=True)
        node.wait(lambda: "pending is 1" in check(node, "cluster")[1], "an order is provisional")
        assert check(node, "cluster")[0] == WARNING


def test_who_does_not_answer(pair):
    socket = pair.server.site.socket
    pair.server.stop()
    done = kit.run_ctl("-s", str(socket), "check")
    state, text, figures, _ = read(done.stdout)
    assert (done.returncode, state, figures, done.stderr) == (CRITICAL, "CRITICAL", {}, "") and str(socket) in text
    done = kit.run_ctl("-s", str(socket), "check", "--json")
    assert done.returncode == CRITICAL and json.loads(done.stdout)["figures"] == [] and str(socket) in json.loads(done.stdout)["why"]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_who_may_not_use_the_socket_knows_nothing(pair):
    pair.server.site.folder.chmod(0o755)
    program, = kit.copy_for_others(pair.server.site.folder, kit.STEERCTL)
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", str(program), "-s", str(pair.server.site.socket), "check"],
                          capture_output=True, text=True, timeout=kit.PATIENCE_S, env=kit.make_environment())
    assert done.returncode == UNKNOWN and "may not use the socket" in read(done.stdout)[1]


def test_from_elsewhere_with_a_token(site):
    """A viewer's is enough; without a good one nothing is known, and a listener that is gone is an outage."""
    at = kit.make_regions(site, azs=("us-east-1a",))
    site.zone("example.com", "")
    pki = gatekit.make_pki(site)
    door = ("127.0.0.1", kit.find_port("127.0.0.1"))  # which the certificate is for
    site.server["admin"]["listen"] = [{"address": f"{door[0]}:{door[1]}", "certificate": pki.good_pem, "key": pki.good_key}]
    site.web(*at.values())
    server = site.start()
    server.wait_state("region", "us-east", effective="healthy")
    token = site.folder / "token"
    token.touch(0o600)

    def ask(secret, port=door[1]):
        token.write_text(secret + "\n")
        done = kit.run_ctl("--url", f"https://{door[0]}:{port}", "--ca", str(pki.root_pem), "--token-file", str(token), "check")
        assert STATES.index(read(done.stdout)[0]) == done.returncode, done
        return done.returncode, read(done.stdout)[1]

    assert ask(server.request("POST", "/v1/tokens", {"name": "nagios", "role": "viewer"}).json["secret"])[0] == OK
    code, text = ask("x" * 40)
    assert code == UNKNOWN and "401" in text
    assert ask("x" * 40, kit.find_port(door[0]))[0] == CRITICAL


MISTAKES = [
    (["helth"], "did you mean health"), (["health", "--warning", "5"], "expected FIGURE=RANGE"),
    (["health", "--warning", "azs_unhealthy=5:3"], "expected a range"), (["health", "--critical", "az=3"], "nothing called"),
    (["health", "--critical", "store_owed=3"], "steerctl check store"), (["store_owed", "--warning", ""], "found --warning"),
    (["health", "--warning", "azs_unhealthy=10m"], "expected a range"), (["--timeout", "soon"], "found --timeout"),
    (["nodes_away"], "nodes_away is not known here"), (["--bogus"], "command line"), (["health", "--reason", "x"], "command line"),
    (["--warning", "azs_unhealthy=1|2,x"], "1/2"), (["store_owed"] * 70, "command line")]


def test_what_is_not_understood_is_unknown(pair):
    for words, said in MISTAKES:
        code, text, figures, _ = check(pair.server, *words)
        assert code == UNKNOWN and said in text and not figures, words


def test_json_has_all(pair):
    document = pair.server.ctl_json("check", "all")
    assert document["state"] == "OK" and document["code"] == 0 and document["why"] is None
    _, _, figures, _ = check(pair.server, "all")
    assert [each["name"] for each in document["figures"]] == list(figures)
    for each in document["figures"]:
        assert set(each) == {"name", "what", "value", "unit", "warning", "critical", "state", "code", "help", "who"}
        assert (each["warning"] or "", each["critical"] or "") == figures[each["name"]][2:]
    said = kit.run_ctl("help", "check").stdout
    assert all(figure["what"] in said for figure in document["figures"])


# ---- what is in contrib ----

def run_shell(command, socket):
    """As an agent does."""
    command = re.sub(r"/usr/bin/steerctl( --url \S+ --ca \S+ --token-file \S+)?", f"{kit.STEERCTL} -s {socket}", command)
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=kit.PATIENCE_S, env=kit.make_environment())


def list_nagios():
    services = (CONTRIB / "nagios" / "steerd.cfg").read_text()
    command, = re.findall(r"command_line +(/usr/bin/steerctl.*)", services)
    for arguments in re.findall(r"check_command +check_steerd!(.*)", services):
        yield command.replace("$ARG1$", arguments)
    yield from re.findall(r"^command\[\w+\]=(.*)", (CONTRIB / "nagios" / "nrpe.cfg").read_text(), re.M)


def test_commands_of_nagios_are_understood(pair):
    commands = list(list_nagios())
    assert len(commands) == 10
    for command in commands:
        done = run_shell(command, pair.server.site.socket)
        assert done.returncode == OK and read(done.stdout)[0] == "OK", (command, done)


def find(path, document):
    """Those of Zabbix' JSONPath that the template uses."""
    named = re.fullmatch(r'\$\.figures\[\?\(@\.name=="(\w+)"\)\]\.(\w+)\.first\(\)', path)
    if named:
        return [figure[named[2]] for figure in document["figures"] if figure["name"] == named[1]][0]
    return len(document["figures"]) if path == "$.figures.length()" else document[re.fullmatch(r"\$\.(\w+)", path)[1]]


def test_zabbix_finds_what_its_template_asks_for(pair):
    text = (CONTRIB / "zabbix" / "template_steerd.yaml").read_text()
    template, = yaml.safe_load(text)["zabbix_export"]["templates"]
    key, command = re.search(r"^UserParameter=([\w.]+),(.*)", (CONTRIB / "zabbix" / "steerd.conf").read_text(), re.M).groups()
    done = run_shell(command, pair.server.site.socket)
    document = json.loads(done.stdout)
    assert done.returncode == 0 and done.stderr == ""
    master, *dependent = template["items"]
    rule, = template["discovery_rules"]
    assert master["key"] == key
    for item in [*dependent, rule]:
        assert item["master_item"]["key"] == key and find(item["preprocessing"][0]["parameters"][0], document) is not None
    for figure in document["figures"]:
        macros = {one["lld_macro"]: figure[one["path"].removeprefix("$.")] for one in rule["lld_macro_paths"]}
        for prototype in rule["item_prototypes"]:
            assert prototype["master_item"]["key"] == key
            path = prototype["preprocessing"][0]["parameters"][0].replace("{#NAME}", macros["{#NAME}"])
            assert isinstance(find(path, document), (int, float))
    uuids = re.findall(r"uuid: (\S+)", text)
    assert len(set(uuids)) == len(uuids) and all(re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", uuid) for uuid in uuids)
    pair.server.stop()
    done = run_shell(command, pair.server.site.socket)
    assert done.returncode == 0 and json.loads(done.stdout)["code"] == CRITICAL and json.loads(done.stdout)["figures"] == []


def test_the_page_has_all_figures(pair):
    page = (CONTRIB.parent / "doc" / "monitoring.md").read_text()
    listed = {group: re.findall("`(\\w+)`", figures) for group, figures in re.findall(r"^\| `(\w+)` \| (`.*) \|$", page, re.M)}
    source = (CONTRIB.parent / "src" / "ctl" / "watched_figures.c").read_text()
    real = {}
    for name, group in re.findall(r'^    \{"(\w+)", "(\w+)"', source, re.M):
        real.setdefault(group, []).append(name)
    assert listed == real
    assert {figure["name"] for figure in pair.server.ctl_json("check", "all")["figures"]} <= {name for names in real.values() for name in names}
