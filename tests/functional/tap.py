# SPDX-License-Identifier: BSD-3-Clause
"""A wire tap between a client and steerd: passes UDP datagrams and TCP streams on, and keeps what the client sent, so
that a test sees what a real client really asks, and how often."""
import contextlib
import select
import socket
import struct
import threading

import dns.message

import kit


class Tap:
    def __init__(self, server_at):
        self.server_at = server_at
        self.wires = []        # queries, in order of arrival
        self.connections = 0   # over TCP
        self.failure = None
        self.udp, self.tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
        address = kit.new_address()
        self.at = (address, kit.find_port(address))
        self.udp.bind(self.at)
        self.tcp.bind(self.at)
        self.tcp.listen()
        self.ends = {}         # socket -> where to send what it receives: a socket, or (socket, address)
        self.streams = {}      # a client's TCP socket -> octets that are no whole message yet
        self.wake, self.woken = socket.socketpair()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def take(self):
        """The queries since the last call."""
        seen, self.wires = self.wires, []
        return [dns.message.from_wire(wire) for wire in seen]

    def close(self):
        self.wake.close()
        self.thread.join(kit.PATIENCE_S)
        for sock in [self.udp, self.tcp, self.woken, *self.ends]:
            sock.close()
        assert self.failure is None, self.failure

    # ---- its thread ----

    def run(self):
        upstream = {}  # address of a UDP client -> the socket that stands for it
        try:
            while True:
                ready, _, _ = select.select([self.udp, self.tcp, self.woken, *self.ends], [], [])
                if self.woken in ready:
                    return
                for sock in ready:
                    if sock is self.udp:
                        self.pass_datagram(upstream)
                    elif sock is self.tcp:
                        self.accept()
                    else:
                        self.pass_back(sock)
        except Exception as error:  # shown by close()
            self.failure = error

    def pass_datagram(self, upstream):
        wire, client = self.udp.recvfrom(65535)
        if client not in upstream:
            upstream[client] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            upstream[client].connect(self.server_at)
            self.ends[upstream[client]] = client
        self.wires.append(wire)
        upstream[client].send(wire)

    def accept(self):
        client, _ = self.tcp.accept()
        server = socket.create_connection(self.server_at, kit.PATIENCE_S)
        self.connections += 1
        self.ends[client], self.ends[server] = server, client
        self.streams[client] = b""

    def pass_back(self, sock):
        end = self.ends.get(sock)
        if end is None:
            return  # closed in this round
        if isinstance(end, tuple):
            self.udp.sendto(sock.recv(65535), end)
            return
        try:
            octets = sock.recv(65535)
        except ConnectionResetError:
            octets = b""
        if sock in self.streams:
            self.note(sock, octets)
        if octets:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                end.sendall(octets)
            return
        for each in sock, end:
            del self.ends[each]
            self.streams.pop(each, None)
            each.close()

    def note(self, sock, octets):
        stream = self.streams[sock] + octets
        while len(stream) >= 2 and len(stream) - 2 >= struct.unpack("!H", stream[:2])[0]:
            length = struct.unpack("!H", stream[:2])[0]
            self.wires.append(stream[2:2 + length])
            stream = stream[2 + length:]
        self.streams[sock] = stream
