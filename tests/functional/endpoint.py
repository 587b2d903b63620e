# SPDX-License-Identifier: BSD-3-Clause
"""A web server whose addresses misbehave on demand; a process of its own, so that tests can kill and stop it.

Reads one JSON command per line from stdin and answers each with one JSON line: {"address": A, "mode": M, …} sets how A
answers from now on, {"requests": A} gives the requests that A has seen. Ends with its stdin.
Modes: ok; status (with "status"); say (with "body", and "chunked" or "stall"); slow (with "seconds"); silent; garbage; close (nothing is sent); reset; half (the
connection ends within the head); drip (an octet every 20 ms, for ever).
Usage: endpoint.py PORT ADDRESS…
"""
import json
import socket
import struct
import sys
import threading
import time


class Address:
    def __init__(self, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(64)
        self.how = {"mode": "ok"}
        self.requests = []

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        how = self.how
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                more = connection.recv(4096)
                if not more:
                    return
                head += more
            self.requests = self.requests[-9:] + [head.decode("latin-1")]
            getattr(self, "do_" + how["mode"])(connection, how)
        except OSError:
            pass
        finally:
            connection.close()

    @staticmethod
    def do_ok(connection, how):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")

    @staticmethod
    def do_status(connection, how):
        body = how.get("body", "").encode()
        connection.sendall(b"HTTP/1.1 %d Status\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                           % (how["status"], len(body), body))

    @staticmethod
    def do_say(connection, how):
        """A body: as it is, in chunks, or without an end ("stall": until the other side has enough)."""
        body = how["body"].encode()
        if how.get("chunked"):
            pieces = [body[at:at + 3] for at in range(0, len(body), 3)] + [b""]
            framing, body = b"Transfer-Encoding: chunked", b"".join(b"%x;x=y\r\n%s\r\n" % (len(p), p) for p in pieces)
        else:
            framing = b"Content-Length: %d" % (len(body) + 5 * bool(how.get("stall")))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + framing + b"\r\n\r\n" + body)
        while how.get("stall") and connection.recv(4096):
            pass

    def do_slow(self, connection, how):
        time.sleep(how["seconds"])
        self.do_ok(connection, how)

    @staticmethod
    def do_silent(connection, how):
        while connection.recv(4096):
            pass

    @staticmethod
    def do_garbage(connection, how):
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    @staticmethod
    def do_close(connection, how):
        connection.shutdown(socket.SHUT_WR)

    @staticmethod
    def do_half(connection, how):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")

    @staticmethod
    def do_reset(connection, how):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @staticmethod
    def do_drip(connection, how):
        connection.sendall(b"HTTP/1.1 ")
        while True:
            time.sleep(0.02)
            connection.sendall(b"2")


def main():
    addresses = {text: Address(text, int(sys.argv[1])) for text in sys.argv[2:]}
    for address in addresses.values():
        threading.Thread(target=address.serve, daemon=True).start()
    print(json.dumps({"ready": len(addresses)}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        if "requests" in command:
            print(json.dumps(addresses[command["requests"]].requests), flush=True)
        else:
            addresses[command["address"]].how = command
            print(json.dumps({"mode": command["mode"]}), flush=True)


if __name__ == "__main__":
    main()
