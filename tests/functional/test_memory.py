# SPDX-License-Identifier: BSD-3-Clause
"""A load has a budget of memory: what is too large for it is refused, and whoever asks meanwhile is answered."""
import json
import os
import pathlib
import random
import re
import resource
import threading

import pytest

import kit

MIB = 1 << 20
RECORDS = 1500000  # 150 octets of memory each, at least
NAMES = 20000
REGIONS = {"regions": {"us": {"azs": {"us-a": {}}}},
           "endpoints": {f"e{number}": {"az": "us-a", "addresses": [f"10.0.{number // 256}.{number % 256}"]}
                         for number in range(1000)}}


def put_huge_zone(site, origin):
    records = "".join(f"h{number} 60 IN A 192.0.2.1\n" for number in range(RECORDS))
    site.put(f"zones/{origin}.zone", kit.SOA + records)
    return f"{origin}.zone"


def put_huge_policy(site, origin):
    site.put(f"zones/{origin}.json", json.dumps({"names": {
        f"n{number}": {"endpoints": [f"e{(number + each) % 1000}" for each in range(200)], "weights": {f"e{number % 1000}": 7}}
        for number in range(NAMES)}}))
    return f"{origin}.json"


def put_huge_name(site, origin):
    site.put(f"zones/{origin}.json", json.dumps({"names": {"n": {"endpoints": ["e1"] * 2000000}}}))
    return f"{origin}.json"


class Asker:
    """Asks all the time."""

    def __init__(self, server):
        self.server, self.asked, self.wrong, self.ended = server, 0, [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.is_set():
            found = self.server.addresses("www.example.com")
            self.asked += 1
            if found != ["192.0.2.1"]:
                self.wrong.append(found)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        assert self.asked > 0 and not self.wrong


def make_site(site, **server):
    site.server.update(server)
    site.topology = REGIONS
    site.zone("example.com", "www 60 IN A 192.0.2.1\n").zone("example.net", "www 60 IN A 192.0.2.2\n")
    return site.policy("example.net", {"n": {"endpoints": ["e1"]}})


def hold_to_refusal(server, file, limit):
    """Reload everything and the one zone: refused, with the file and the limit."""
    site, generation = server.site, server.get("/v1/status")["generation"]
    for path in "/v1/reload", "/v1/reload?zone=example.net":
        with Asker(server):
            reply = server.request("POST", path)
        said = json.dumps(reply.json)
        assert reply.status == 422, reply
        assert re.search(rf"{file}.*{limit}", said), said
        assert server.get("/v1/status")["generation"] == generation
    site.zone("example.net", "www 60 IN A 192.0.2.3\n").write()
    assert server.reload().status == 200
    assert server.addresses("www.example.net") == ["192.0.2.3"]
    assert server.addresses("n.example.net") == ["10.0.0.1"]


@pytest.mark.parametrize("put", [put_huge_zone, put_huge_policy, put_huge_name])
def test_what_is_too_large_is_refused(site, put):
    server = make_site(site, load_memory="32MiB").start()
    hold_to_refusal(server, put(site, "example.net"), "takes more memory than a load may: expected at most 32 MiB")


def count_addresses(server):
    return int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[0]) * resource.getpagesize()


def test_addresses_that_run_out_are_a_limit_too(site):
    """RLIMIT_AS: malloc would fail before the machine has no memory left."""
    # malloc takes 64 MiB of addresses for each thread that meets another one: as many as chance will, and not what is looked at here
    site.environment = {**kit.make_environment(), "MALLOC_ARENA_MAX": "1"}
    server = make_site(site).start()
    has = count_addresses(server)
    if has > 1 << 40:
        pytest.skip("a sanitizer takes all addresses that there are")
    resource.prlimit(server.process.pid, resource.RLIMIT_AS, (has + 384 * MIB, resource.RLIM_INFINITY))
    put_huge_zone(site, "example.net")
    # threads of the loader take addresses, too, so that another file may be the one at which they run out
    hold_to_refusal(server, "", r"(takes more memory than a load may: expected at most [\d.]+ MiB, which is most"
                                r"|memory ran out while this was read: an allocation failed below the [\d.]+ MiB)")


@pytest.mark.parametrize("seed", [int(os.environ.get("SERIAL_SEED", "1"))])
def test_addresses_may_run_out_anywhere(site, seed):
    """However few are left, a load is whole or refused with a reason, and the server answers on."""
    rng = random.Random(seed)
    server = make_site(site).start()
    if count_addresses(server) > 1 << 40:
        pytest.skip("a sanitizer takes all addresses that there are")
    put_huge_zone(site, "example.net")
    put_huge_policy(site, "example.net")
    for _ in range(3):
        resource.prlimit(server.process.pid, resource.RLIMIT_AS,
                         (count_addresses(server) + rng.randrange(4 * MIB, 400 * MIB), resource.RLIM_INFINITY))
        with Asker(server):
            reply = server.request("POST", rng.choice(["/v1/reload", "/v1/reload?zone=example.net"]))
        assert reply.status == 200 or (reply.status == 422 and "memory" in json.dumps(reply.json)), reply
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    site.zone("example.net", "www 60 IN A 192.0.2.3\n").write()
    assert server.reload().status == 200
    assert server.addresses("www.example.net") == ["192.0.2.3"]


def test_a_start_that_is_too_large_says_why(site):
    make_site(site, load_memory="32MiB").write()
    put_huge_zone(site, "example.net")
    for arguments in ["--check"], []:
        done = kit.run_steerd("-c", str(site.config), *arguments)
        assert done.returncode == 1
        # whichever is being read when it is spent
        assert re.search(r"\S+\.zone: error: reading this takes more memory than a load may: expected at most 32 MiB "
                         r'\("load_memory" of .*steerd.json\)', done.stderr), done.stderr
