# SPDX-License-Identifier: BSD-3-Clause
"""An authoritative nameserver of a test's own, whose records and moods change at once: threads of the test's process.

records: {"lb.example.net": {"A": ["127.0.0.1"], "AAAA": []}}; a name with a type that is not there is NODATA, an
unknown name NXDOMAIN. mood: "ok", "silent", or an rcode that everything is answered with.
"""
import collections
import contextlib
import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

import kit


class Nameserver:
    def __init__(self, records, ttl=5):
        self.records, self.ttl, self.mood = records, ttl, "ok"
        self.asked = collections.Counter()
        self.address = kit.new_address()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 0))
        self.at = f"{self.address}:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                wire, peer = self.socket.recvfrom(4096)
                if not wire:
                    return
                reply = self.answer(dns.message.from_wire(wire))
                if reply is not None:
                    self.socket.sendto(reply.to_wire(), peer)

    def answer(self, query):
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        rtype = dns.rdatatype.to_text(question.rdtype)
        self.asked[name, rtype] += 1
        if self.mood == "silent":
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        if self.mood != "ok":
            reply.set_rcode(dns.rcode.from_text(self.mood))
        elif name not in self.records:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif self.records[name].get(rtype):
            reply.answer.append(dns.rrset.from_text_list(question.name, self.ttl, "IN", rtype, self.records[name][rtype]))
        return reply

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()
