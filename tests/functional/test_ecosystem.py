# SPDX-License-Identifier: BSD-3-Clause
"""doc/ecosystem.md: what it shows of other tools is something that they and steerd can read, and its steps do what it says."""
import base64
import json
import re
import subprocess

import dns.query
import dns.tsig
import dns.zone
import pytest
import yaml

import kit
from test_external_dns import Webhook

TEXT = (kit.TOP / "doc/ecosystem.md").read_text()
# of the form that octodns-bind 0.0.7 writes
ZONE = """$ORIGIN\texample.com.\t; example.com.
$TTL\t3600
@\t3600\tSOA\tns.example.com. webmaster.example.com. (
\t\t\t{serial} 10800 3600 604800 60 )\t; serial refresh retry expire negttl

                        3600   NS       ns.example.com.
                        300    TXT      "v=spf1 -all"
ns                      3600   A        192.0.2.53
www                     60     A        192.0.2.99
shop                    300    CNAME    www.example.com.\t; {comment}
"""


def find_block(language, words):
    return next(block for block in re.findall(rf"```{language}\n(.*?)```", TEXT, re.S) if words in block)


def test_the_manifest_is_one_and_its_webhook_starts(site):
    documents = list(yaml.safe_load_all((kit.TOP / "contrib/external-dns/kubernetes.yaml").read_text()))
    assert [document["kind"] for document in documents] == ["Namespace", "Secret", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Deployment"]
    pod = documents[-1]["spec"]["template"]["spec"]
    external_dns, webhook = pod["containers"]
    assert "--provider=webhook" in external_dns["args"] and webhook["securityContext"]["readOnlyRootFilesystem"]
    az, *options = webhook["args"]
    started = Webhook(site, az.partition("=")[2], *[option for option in options if not option.startswith("--ca")], at=())
    try:
        assert started.request("GET", "/healthz", port=started.exposed).status == 200
    finally:
        started.close()


def test_the_image_has_what_the_webhook_is(site):
    folder = kit.TOP / "contrib/external-dns"
    copied = re.findall(r"^COPY (\S+) ", (folder / "Containerfile").read_text(), re.M)
    assert {path.name for path in folder.iterdir()} - {"Containerfile", "kubernetes.yaml", "__pycache__"} == set(copied)


@pytest.fixture
def octodns(site):
    kit.make_regions(site, azs=("us-east-1a",))
    del site.topology["endpoints"]["web-us-east-1a"]["checks"]
    settings = json.loads("{" + find_block("json", '"octodns"') + "}")
    (site.folder / "octodns.key").write_bytes(base64.b64encode(b"0" * 32))
    site.server.update(settings)
    site.zone("example.com", ZONE.format(serial=2026112501, comment="as it is"), soa="")
    site.policies["example.com"] = {"names": {"www": {"endpoints": ["web-*"], "fallback": "static"}}}
    return site


def test_octodns_writes_and_a_reload_plans(octodns):
    server, file = octodns.start(), octodns.folder / "zones/example.com.zone"
    commands = re.findall(r"^steerctl (reload[^#\n]*)", find_block("sh", "octodns-sync"), re.M)
    plan, do = [command.split() for command in commands]
    file.write_text(file.read_text().replace("192.0.2.53", "192.0.2.54").replace("2026112501", "2026112502"))
    assert "other records: ns.example.com." in server.ctl(*plan).stdout
    assert server.addresses("ns.example.com") == ["192.0.2.53"]
    server.ctl(*do)
    assert server.addresses("ns.example.com") == ["192.0.2.54"]
    file.write_text(file.read_text().replace("CNAME    www", "CNAME    www\n                        300    A        192.0.2.1 ; "))
    refused = server.ctl(*do, code=1)
    assert "CNAME" in refused.stderr and server.addresses("ns.example.com") == ["192.0.2.54"]


def test_octodns_reads_what_serves(octodns):
    octodns.start()
    key = dns.tsig.Key("octodns", base64.b64encode(b"0" * 32).decode(), "hmac-sha256")
    address, port = octodns.listen[0]
    zone = dns.zone.from_xfr(dns.query.xfr(address, "example.com", port=port, keyring={key.name: key}, keyalgorithm=key.algorithm, relativize=False,
                                           lifetime=kit.PATIENCE_S), relativize=False)
    found = {(name.to_text(), rdata.to_text()) for name, _, rdata in zone.iterate_rdatas("A")}
    assert found == {("ns.example.com.", "192.0.2.53"), ("www.example.com.", "192.0.2.99")}, "steered names as their static records"


def test_the_configuration_of_octodns_is_yaml():
    config = yaml.safe_load(find_block("yaml", "octodns_bind.ZoneFileProvider"))
    zone = config["zones"]["example.com."]
    assert set(zone["sources"] + zone["targets"]) < set(config["providers"])
    assert "example.com" + config["providers"]["steerd"]["file_extension"] == "example.com.zone"


def test_the_lines_for_ansible(site):
    """As ansible fills them in."""
    kit.make_regions(site, azs=("us-east-1a",))
    site.server["documents"] = {"owner": "api"}
    site.zone("example.com", "")
    site.policies["example.com"] = {"names": {"www": {"endpoints": ["web-*"]}}}
    server = site.start()
    server.wait(lambda: all(d["revision"] for d in server.get("/v1/config")["documents"]), "files are taken over")
    task, = yaml.safe_load(find_block("yaml", "ansible.builtin.command"))
    command = task["ansible.builtin.command"]
    edits = command["stdin"].partition("{{ ")[2].partition(" | ")[0]
    for name, value in (("inventory_hostname", '"web-new"'), ("[ansible_host]", '["192.0.2.7"]'), ("'az': az", "'az': 'us-east-1a'")):
        edits = edits.replace(name, value)
    words = re.sub(r"\{\{.*?\}\}", "play", command["cmd"].partition(" {{ '--dry-run'")[0]).replace('"', "").split()
    assert words[0] == "steerctl"
    for more in (["--dry-run"], []):
        done = subprocess.run([str(kit.STEERCTL), "-s", str(site.socket), *words[1:5], " ".join(words[5:]), *more], text=True, capture_output=True,
                              input=json.dumps(json.loads(edits.replace("'", '"'))), timeout=kit.PATIENCE_S)
        assert done.returncode == 0, done
    assert server.get("/v1/config/endpoints/web-new")["value"] == {"az": "us-east-1a", "addresses": ["192.0.2.7"], "checks": ["web"]}
