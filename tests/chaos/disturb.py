# SPDX-License-Identifier: BSD-3-Clause
"""What goes wrong around steerd, each with a beginning and an end: a reader of its log that does not read, a slow disk
and a full one, hostile clients of the admin API and of DNS over TCP, long work for the operator, reloads without end."""
import json
import os
import signal
import socket
import threading

import disk
import kit


class Loop(threading.Thread):
    """Does something again and again until it is ended; what it may fail with is no news in such surroundings."""

    def __init__(self, act, ended):
        super().__init__(daemon=True)
        self.act, self.ended = act, ended
        self.start()

    def run(self):
        while not self.ended.is_set():
            try:
                self.act()
            except (OSError, kit.http.client.HTTPException):
                self.ended.wait(0.05)

    def end(self):
        self.ended.set()
        self.join()


class Disturbance:
    def __init__(self, server, random):
        self.server, self.site, self.random, self.ended = server, server.site, random, threading.Event()

    def begin(self):
        raise NotImplementedError

    def end(self):
        pass


class DeafLog(Disturbance):
    """Nobody reads stderr, and it is full already."""
    def begin(self):
        self.server.reader.pause()

    def end(self):
        self.server.reader.resume()


class SlowSync(Disturbance):
    def begin(self):
        self.server.disk.set(disk.SYNC_MS, 2000)

    def end(self):
        self.server.disk.set(disk.SYNC_MS, 0)


class FullDisk(Disturbance):
    def begin(self):
        self.server.disk.set(disk.FULL, 1)

    def end(self):
        self.server.disk.set(disk.FULL, 0)


class Sockets(Disturbance):
    """Clients that are in the way."""
    count = 64

    def begin(self):
        self.held = []
        for _ in range(self.count):
            try:
                self.held.append(self.open())
            except OSError:
                break

    def end(self):
        for one in self.held:
            one.close()

    def open(self):
        raise NotImplementedError

    def connect(self):
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.settimeout(2)
        one.connect(str(self.site.socket))
        return one


class IdleAdmins(Sockets):
    def open(self):
        return self.connect()


class HalfRequests(Sockets):
    """A head without an end; some have closed their side already."""
    def open(self):
        one = self.connect()
        one.sendall(self.random.choice([b"GET /v1/status HT", b"PUT /v1/regions/us/override HTTP/1.1\r\nHost: x\r\n",
                                        b"POST /v1/what-if HTTP/1.1\r\nContent-Length: 100000\r\n\r\n{"]))
        if self.random.random() < 0.3:
            one.shutdown(socket.SHUT_WR)
        return one


class DeafAdmins(Sockets):
    """They ask for much and read nothing."""
    def open(self):
        one = self.connect()
        one.sendall(b"GET /v1/names?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n" * 4)
        return one


class EarlyClosers(Disturbance):
    def begin(self):
        self.loop = Loop(self.act, self.ended)

    def act(self):
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.settimeout(2)
        one.connect(str(self.site.socket))
        if self.random.random() < 0.7:
            one.sendall(b"GET /v1/endpoints HTTP/1.1\r\nHost: x\r\n\r\n")
        one.close()
        self.ended.wait(0.01)

    def end(self):
        self.loop.end()


class Work(Disturbance):
    """Long work, one request after the other."""
    path, body = None, None

    def begin(self):
        self.loop = Loop(self.act, self.ended)

    def act(self):
        connection = kit.UnixConnection(self.site.socket)
        try:
            connection.request("POST", self.path, json.dumps(self.body), {"Content-Type": "application/json"})
            connection.getresponse().read()
        finally:
            connection.close()

    def end(self):
        self.loop.end()


class Drills(Work):
    path, body = "/v1/drills", {"lose": ["region:us"], "mode": "simulate"}


class ServerDrills(Disturbance):
    """Regions are lost for some clients, again and again; the ones that are asked here are never among them."""
    mode = None

    def begin(self):
        self.loop = Loop(self.act, self.ended)

    def body(self):
        raise NotImplementedError

    def request(self, method, path, body=None):
        connection = kit.UnixConnection(self.site.socket)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def running(self):
        status, text = self.request("GET", "/v1/drills?limit=100")
        return [drill["id"] for drill in json.loads(text)["items"] if drill["state"] != "ended" and drill["mode"] == self.mode] \
            if status == 200 else []

    def act(self):
        lose = self.random.choice(["region:us", "region:eu", "az:us-a"])
        confirm = {"confirm": lose.split(":")[1]} if self.mode == "live" else {}
        body = {"lose": [lose], "failure": "refused", "reason": "chaos", "mode": self.mode,
                "duration": self.random.choice(["1s", "1h"]), **confirm, **self.body()}
        status, text = self.request("POST", "/v1/drills", body)
        if status == 409 and (objections := json.loads(text).get("errors")):
            self.request("POST", "/v1/drills", {**body, "accept": [one["field"] for one in objections]})
        self.ended.wait(self.random.uniform(0.05, 0.5))
        for name in self.running():
            if self.random.random() < 0.7:
                self.request("DELETE", f"/v1/drills/{name}")

    def end(self):
        self.loop.end()

        def is_over():
            try:
                running = self.running()
                for name in running:
                    self.request("DELETE", f"/v1/drills/{name}")
            except (OSError, kit.http.client.HTTPException):
                return self.server.process.poll() is not None  # no room for us yet; or they are gone with it
            return not running
        kit.wait_for(is_over, "its drills have ended")


class ShadowDrills(ServerDrills):
    mode = "shadow"

    def body(self):
        return {"clients": {"prefixes": [f"127.77.{self.random.randrange(4)}.0/24"]}}


class LiveDrills(ServerDrills):
    """127.0.0.0/24 is not among the first twentieth of all clients."""
    mode = "live"

    def body(self):
        return {"canary": 5, "canary_for": "1h"}


class WhatIfs(Work):
    path, body = "/v1/what-if", {"assume": ["region:us=down"]}


class Reloads(Work):
    path = "/v1/reload"

    def act(self):
        connection = kit.UnixConnection(self.site.socket)
        try:
            connection.request("POST", self.random.choice(["/v1/reload", "/v1/reload?zone=rendered.example"]))
            connection.getresponse().read()
        finally:
            connection.close()
        self.ended.wait(0.02)


class Hangups(Disturbance):
    def begin(self):
        self.loop = Loop(self.act, self.ended)

    def act(self):
        os.kill(self.server.process.pid, signal.SIGHUP)
        self.ended.wait(self.random.uniform(0.01, 0.3))

    def end(self):
        self.loop.end()


class IdleStreams(Sockets):
    """Clients of DNS over TCP take every descriptor that they can get."""
    count = 600

    def open(self):
        one = socket.socket()
        one.settimeout(2)
        one.connect(self.site.listen[0])
        return one


class Fifos(Disturbance):
    """Where files should be, and somebody has them read. What was loaded stays."""
    paths = "zones/rendered.example.zone", "zones/rendered.example.json"

    def begin(self):
        self.path = self.site.folder / self.random.choice(self.paths)
        self.path.rename(self.path.with_suffix(".aside"))
        os.mkfifo(self.path)
        self.loop = Loop(self.act, self.ended)

    def act(self):
        connection = kit.UnixConnection(self.site.socket)
        try:
            connection.request("POST", "/v1/reload")
            connection.getresponse().read()
        finally:
            connection.close()
        self.ended.wait(0.1)

    def end(self):
        self.path.with_suffix(".aside").rename(self.path)
        self.loop.end()


class Oversized(Work):
    """A body beyond every limit, now and then."""
    def act(self):
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with one:
            one.settimeout(2)
            one.connect(str(self.site.socket))
            one.sendall(b"PUT /v1/regions/us/override HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Content-Length: 9000000\r\n\r\n" + b" " * 200000)
            one.recv(100)
        self.ended.wait(0.05)


class Clock(Disturbance):
    """Somebody sets the time of day, again and again."""
    steps_s = 86400, -86400, 3600, -3600, 61, -61, 0

    def begin(self):
        self.loop = Loop(self.act, self.ended)

    def act(self):
        self.server.disk.set(disk.CLOCK_S, self.random.choice(self.steps_s))
        self.ended.wait(self.random.uniform(0.05, 1))

    def end(self):
        self.loop.end()
        self.server.disk.set(disk.CLOCK_S, 0)


class ChangedChecks(Disturbance):
    """Reload after reload asks in another way: other time-outs and thresholds, renamed checks and endpoints. What is known
    of the endpoints stays known."""
    renamed = "us-a-1", "us-b-0", "eu-a-2", "eu-b-1"  # nobody overrides them, and no policy names them
    mark = "-renamed"

    def begin(self):
        self.path = self.site.folder / "topology.json"
        self.original = self.path.read_text()
        self.loop = Loop(self.act, self.ended)

    def change(self):
        document, name = json.loads(self.original), self.random.choice(["port", "gate", "door"])
        check = {**document["checks"]["port"], "interval": f"{self.random.randrange(100, 200)}ms",
                 "timeout": f"{self.random.randrange(60, 101)}ms",
                 "fall": self.random.choice([2, 3]), "rise": self.random.choice([1, 2, 3])}
        marked = {each for each in self.renamed if self.random.random() < 0.5}
        return {**document, "checks": {name: check},
                "endpoints": {each + self.mark * (each in marked): {**endpoint, "checks": [name]}
                              for each, endpoint in document["endpoints"].items()}}

    def load(self, text):
        """What the reload was answered with: the status, and the body."""
        aside = self.path.with_suffix(".aside")
        aside.write_text(text)
        aside.rename(self.path)
        connection = kit.UnixConnection(self.site.socket)
        try:
            connection.request("POST", "/v1/reload")
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def act(self):
        self.load(json.dumps(self.change()))
        self.ended.wait(self.random.uniform(0.02, 0.5))

    def end(self):
        self.loop.end()
        self.path.write_text(self.original)

        last = None

        def is_back():
            nonlocal last
            try:
                last = self.server.process.poll() is None and self.load(self.original)
            except (OSError, kit.http.client.HTTPException) as error:
                last = error
            return last is False or isinstance(last, tuple) and last[0] == 200
        try:
            kit.wait_for(is_back, "the old checks are back")
        except AssertionError as error:
            raise AssertionError(f"{error}; the last reload was answered with {last}: {self.server.read_log()[-3000:]}") from None


ALL = [DeafLog, SlowSync, FullDisk, IdleAdmins, HalfRequests, DeafAdmins, EarlyClosers, Drills, ShadowDrills, LiveDrills, WhatIfs, Reloads, Hangups,
       IdleStreams, Fifos, Oversized, Clock, ChangedChecks]
