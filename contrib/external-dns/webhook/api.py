# SPDX-License-Identifier: BSD-3-Clause
"""The API of steerd, over its unix socket or by TLS, and what is said when it cannot do what it was asked for."""
import http.client
import json
import os
import socket
import ssl
import sys
import time
import urllib.parse
import uuid


class Refused(Exception):
    """What is answered instead: a status, and words. `is_judged`: because of what is in the records."""

    def __init__(self, status, text, is_judged=False):
        super().__init__(text)
        self.status, self.is_judged = status, is_judged


class Stale(Exception):
    """The documents are others by now."""


def log(level, event, **values):
    words = "".join(f" {key}={json.dumps(value) if isinstance(value, str) else value}" for key, value in values.items())
    print(f"steerd-external-dns: {level}: {event}{words}", file=sys.stderr, flush=True)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Steerd:
    """Its API, over the unix socket or by TLS; the token is read anew each time, so it can be rotated."""

    def __init__(self, options):
        self.options = options
        self.context = None
        if options.url:
            self.context = ssl.create_default_context(cafile=options.ca)
            if options.certificate:
                self.context.load_cert_chain(options.certificate, options.key)

    def connect(self):
        if not self.options.url:
            return UnixConnection(self.options.socket, self.options.timeout)
        url = urllib.parse.urlsplit(self.options.url)
        return http.client.HTTPSConnection(url.hostname, url.port or 443, timeout=self.options.timeout, context=self.context)

    def headers(self):
        headers = {"Content-Type": "application/json"}
        token = os.environ.get("STEERD_TOKEN")
        if self.options.token_file:
            with open(self.options.token_file, encoding="utf-8") as file:
                token = file.read().strip()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def ask_once(self, method, path, body, headers):
        connection = self.connect()
        try:
            connection.request(method, path, body, {**self.headers(), **headers})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            connection.close()

    def ask(self, method, path, value=None):
        """An answer that is no error. What changes something has a key, so asking again does it once."""
        body = None if value is None else json.dumps(value)
        headers = {} if body is None else {"Idempotency-Key": f'"{uuid.uuid4()}"'}
        for attempt in (1, 2, 3):
            try:
                status, got, content = self.ask_once(method, path, body, headers)
                break
            except (OSError, http.client.HTTPException) as error:
                if attempt == 3:
                    raise Refused(503, f"steerd does not answer at {self.options.url or self.options.socket}: {error}") from error
                time.sleep(0.2 * attempt)
        if status >= 300:
            self.refuse(status, content)
        return got, json.loads(content)

    @staticmethod
    def refuse(status, content):
        try:
            problem = json.loads(content)
        except ValueError:
            problem = {"title": content.decode(errors="replace")[:200]}
        kind = problem.get("type", "").rpartition(":")[2]
        if status == 412:
            raise Stale
        errors = "; ".join(f"{error.get('file') or error.get('field')}: {error['message']}" for error in problem.get("errors", [])[:10])
        text = " ".join(filter(None, (problem.get("title"), problem.get("detail"), errors)))
        # external-dns tries again after 5xx only, and ends itself after all else: 500 is what somebody has to mend
        raise Refused(500 if status < 500 and status not in (409, 429) else 503, f"steerd refuses it ({status} {kind}): {text}",
                      status == 422)
