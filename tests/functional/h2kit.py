# SPDX-License-Identifier: BSD-3-Clause
"""What checks over HTTP/2 meet: a gRPC server with the standard health service, and whatever says frames of its own
making (RFC 9113), good or bad."""
import threading
import time
from concurrent import futures

import tlskit

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
METHOD = "/grpc.health.v1.Health/Check"
STATUSES = {"UNKNOWN": 0, "SERVING": 1, "NOT_SERVING": 2, "SERVICE_UNKNOWN": 3}


class Health:
    """grpc.health.v1.Health by grpcio, without generated code. `services`: a name to a status, or to a grpc.StatusCode that the
    call fails with. A request is kept as its octets and its metadata."""

    def __init__(self, services, credentials=None, host="127.0.0.1"):
        import grpc
        self.grpc, self.services = grpc, dict(services)
        self.asked = []
        handler = grpc.unary_unary_rpc_method_handler(self.check)
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler})])
        at = f"{host}:0"
        self.port = self.server.add_insecure_port(at) if credentials is None else self.server.add_secure_port(at, credentials)
        self.server.start()

    def check(self, request, context):
        self.asked.append((request, dict(context.invocation_metadata()), context.peer(), context.time_remaining()))
        name = request[2:].decode() if request else ""
        assert request == message(name)
        status = self.services.get(name)
        if status is None:
            context.abort(self.grpc.StatusCode.NOT_FOUND, "unknown service")
        if not isinstance(status, str):
            context.abort(status, "as was wanted")
        number = STATUSES[status]
        return bytes([8, number]) if number else b""

    def close(self):
        self.server.stop(None).wait()


def credentials(pki, name):
    import grpc
    read = lambda kind: (pki.folder / f"{name}.{kind}").read_bytes()  # noqa: E731
    return grpc.ssl_server_credentials([(read("key"), read("pem"))])


def message(service):
    name = service.encode()
    return b"\x0a" + bytes([len(name)]) + name if name else b""


# ---- frames ----

def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def number(value, bits=7):
    """RFC 7541 section 5.1"""
    most = (1 << bits) - 1
    if value < most:
        return bytes([value])
    octets, value = bytearray([most]), value - most
    while value >= 128:
        octets.append(value % 128 | 128)
        value //= 128
    return bytes(octets) + bytes([value])


def fields(*pairs):
    """Literals without indexing: RFC 7541 section 6.2.2."""
    block = b""
    for name, value in pairs:
        name, value = (text if isinstance(text, bytes) else str(text).encode() for text in (name, value))
        block += b"\0" + number(len(name)) + name + number(len(value)) + value
    return block


def headers(*pairs, stream=1, flags=END_HEADERS):
    return frame(HEADERS, flags, stream, fields(*pairs))


def data(octets, stream=1, flags=0):
    return frame(DATA, flags, stream, octets)


HELLO = frame(SETTINGS) + frame(SETTINGS, ACK)
HEAD = headers((":status", 200), ("content-type", "application/grpc"))
WELL = b"\0\0\0\0\2\x08\x01"
TRAILERS = headers(("grpc-status", 0), flags=END_HEADERS | END_STREAM)
GOOD = HELLO + HEAD + data(WELL) + TRAILERS


def read_request(connection):
    """Everything up to the end of the first request: its octets."""
    octets = b""
    while True:
        octets += receive(connection)
        at = len(PREFACE)
        while len(octets) >= at + 9:
            size = int.from_bytes(octets[at:at + 3], "big")
            if len(octets) < at + 9 + size:
                break
            if octets[at + 3] in (DATA, HEADERS) and octets[at + 4] & END_STREAM:
                return octets
            at += 9 + size


def receive(connection):
    octets = connection.recv(65536)
    if not octets:
        raise OSError("closed")
    return octets


def answer(octets, then=tlskit.hold):
    """A request is read, and that is said, whole or by what is called with the connection; then it is held open."""
    def serve(connection, _=0):
        read_request(connection)
        if callable(octets):
            octets(connection)
        else:
            connection.sendall(octets)
        if then is not None:
            then(connection)
    return serve


def endless(octets, first=HELLO):
    def serve(connection):
        connection.sendall(first)
        while True:
            connection.sendall(octets)
    return answer(serve, None)


class Stepping:
    """A server that answers each request of a connection in turn by what `answers` has for it: octets, made of the stream."""

    def __init__(self, *answers, stays=0):
        self.answers, self.stays, self.connections = answers, stays, 0
        self.lock = threading.Lock()

    def __call__(self, connection, _number):
        with self.lock:
            self.connections += 1
        octets, stream = b"", 1
        connection.sendall(HELLO)
        for made in self.answers:
            while not is_asked(octets, stream):
                octets += receive(connection)
            connection.sendall(made(stream))
            stream += 2
        time.sleep(self.stays)


def is_asked(octets, stream):
    at = len(PREFACE)
    while len(octets) >= at + 9:
        size = int.from_bytes(octets[at:at + 3], "big")
        if octets[at + 3] in (DATA, HEADERS) and octets[at + 4] & END_STREAM and int.from_bytes(octets[at + 5:at + 9], "big") == stream:
            return len(octets) >= at + 9 + size
        at += 9 + size
    return False
