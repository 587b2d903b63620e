# SPDX-License-Identifier: BSD-3-Clause
"""What bounds the state folder (doc/operations.md) while somebody orders every second and reloads every five: as many orders, without
the seconds."""
import kit

ORDERS, LOG_MAX, ENTRY_MAX = 1200, 2000 * (4096 + 24), 1024


def size(path):
    return path.stat().st_size if path.exists() else 0


def names(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_orders_and_reloads_grow_the_journal_alone(site):
    kit.make_regions(site, azs=("us-east-1a", "eu-west-1a"))
    for endpoint in site.topology["endpoints"].values():
        endpoint["checks"] = []
    site.zone("example.com", "")
    site.policy("example.com", {"www": {"ttl": 5, "endpoints": ["web-*"], "tiers": [["us-east"], ["eu-west"]]}})
    site.server["points"] = {"every": "0s"}
    server = site.start()
    state = site.folder / "var"
    server.wait(lambda: server.get("/v1/status")["archive"]["manifest"] and not list(state.glob("depot/**/*.new")), "the configuration is kept")
    server.wait(lambda: names(state / "health"), "health is kept")
    file, log = state / "store.db", state / "store.db-wal"
    before = server.get("/v1/status")["store"]["seq"], size(file), names(state / "depot"), names(state / "health")
    largest = 0
    for i in range(ORDERS):
        if i % 2 == 0:
            assert server.override("region", "us-east", "drain")["durable"] is True
        else:
            assert server.request("DELETE", "/v1/regions/us-east/override").status == 200
        if i % 5 == 4:
            server.reload()
        largest = max(largest, size(log))
    assert server.get("/v1/status")["store"]["seq"] == before[0] + ORDERS, "reloads that change nothing are no entries"
    assert LOG_MAX / 2 < largest < LOG_MAX * 1.1, "the log is moved to the file, and begun anew"
    assert (names(state / "depot"), names(state / "health")) == before[2:], "nothing new is kept by reloads"
    server.stop()
    assert not log.exists()
    assert size(file) - before[1] < ORDERS * ENTRY_MAX
