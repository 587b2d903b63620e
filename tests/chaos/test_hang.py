# SPDX-License-Identifier: BSD-3-Clause
"""A file system that does not answer at all, as NFS does when its server is gone."""
import pathlib
import shutil

import pytest

import disk
import kit

DATABASE = pathlib.Path(__file__).resolve().parent.parent / "data" / "geo" / "country.mmdb"


class Server(kit.Server):
    """A steerd whose geo databases lie on that file system."""

    def __init__(self, site):
        super().__init__(site)
        self.disk = disk.Disk(site.folder / "nfs", site.folder / "disk")

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = kit.subprocess.Popen([str(kit.STEERD), "-c", str(self.site.config)], stderr=log,
                                                stdin=kit.subprocess.DEVNULL, env=self.disk.environment())
        self.wait(lambda: "answers queries" in self.read_log() or self.process.poll() is not None, "started")
        return self


@pytest.mark.parametrize("heals", [True, False])
def test_a_geo_database_that_cannot_be_looked_at(heals):
    """Overrides, lists and answers go on, and so does the end of the server."""
    with kit.new_site() as site:
        kit.make_regions(site)
        folder = site.folder / "nfs"
        folder.mkdir()
        shutil.copy(DATABASE, folder / "country.mmdb")
        site.server["geo"] = [str(folder / "country.mmdb")]
        site.zone("example.com", "www 60 IN A 192.0.2.1\n").write()
        server = Server(site)
        site.running.append(server)
        server.start()
        server.disk.set(disk.HANGS, 1)
        server.wait(lambda: server.disk.get(disk.LOOKERS) != 0, "somebody looks")
        for state in ("drain", "auto", "down"):
            server.override("region", "us-east", state)
        assert server.get("/v1/geo")["items"][0]["state"] == "current"
        assert server.addresses("www.example.com") == ["192.0.2.1"]
        assert server.disk.get(disk.LOOKERS) == 1  # not one more each second
        if heals:
            server.disk.heal()
            shutil.copy(DATABASE, folder / "new.mmdb")
            (folder / "new.mmdb").rename(folder / "country.mmdb")
            server.wait_log("a geo database changed")
        server.stop()
        assert heals or "does not answer" in server.read_log()
        server.disk.close()


def test_a_file_that_checks_look_into_and_that_is_read_late():
    """Later than a check waits for it: then it is due as soon as there is something to look at, and not an hour after."""
    with kit.new_site() as site:
        kit.make_regions(site)
        told = site.folder / "nfs" / "health.json"
        told.parent.mkdir()
        told.write_text('{"web-us-east-1a": "down", "web-us-east-1b": "up"}')
        site.topology["checks"] = {"web": {"type": "file", "file": str(told), "interval": "1h"}}
        site.zone("example.com", "www 60 IN A 192.0.2.1\n").write()
        server = Server(site)
        site.running.append(server)
        server.disk.set(disk.HANGS, 1)
        server.start()
        server.wait_log("probe cannot check", "cause=file")
        server.disk.heal()
        server.wait_state("endpoint", "web-us-east-1a", observed="unhealthy", last_outcome="reported_down")
        server.wait_state("endpoint", "web-us-east-1b", observed="healthy")
        server.stop()
        server.disk.close()
