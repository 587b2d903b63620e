# SPDX-License-Identifier: BSD-3-Clause
"""What https checks meet: certificates of all kinds, made by openssl; endpoints that talk TLS well (nginx, openssl s_server,
Python's), and what stands in front of them and cuts, stalls, drips or spoils what they say."""
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

import kit

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin")
OPENSSL = shutil.which("openssl")
HOST = "www.example.com"

CONFIG = """
[ ca ]
default_ca = it
[ it ]
new_certs_dir = {folder}
database = {folder}/index.txt
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[ any ]
commonName = supplied
[ authority ]
basicConstraints = critical, CA:TRUE
keyUsage = keyCertSign
subjectKeyIdentifier = hash
[ server ]
subjectAltName = DNS:www.example.com, IP:127.0.0.1
[ other ]
subjectAltName = DNS:other.example.com
[ misused ]
subjectAltName = DNS:www.example.com
extendedKeyUsage = clientAuth
[ bare ]
basicConstraints = CA:FALSE
[ client ]
extendedKeyUsage = clientAuth
"""


def run(*words):
    subprocess.run([OPENSSL, *map(str, words)], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def day(offset):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + offset * 86400))


class Pki:
    """A root, an authority below it, and certificates that they signed. All files NAME.pem and NAME.key in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        (self.folder / "config").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "index.txt").touch()
        self.sign("root", None, extensions="authority")
        self.sign("strange", None, extensions="authority")
        self.sign("middle", "root", extensions="authority")

    def __getattr__(self, name):
        """pki.root_pem, pki.good_key: the path as a text."""
        return str(self.folder / ".".join(name.rsplit("_", 1)))

    def sign(self, name, by, days=(-1, 90), extensions="server", chain=()):
        path = self.folder / name
        run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{path}.key",
            "-subj", f"/CN={name}", "-out", f"{path}.csr", "-config", "/dev/null")
        signer = ["-selfsign", "-keyfile", f"{path}.key"] if by is None else ["-cert", self.folder / f"{by}.pem", "-keyfile", self.folder / f"{by}.key"]
        run("ca", "-batch", "-notext", "-config", self.folder / "config", "-in", f"{path}.csr", "-out", f"{path}.pem", *signer,
            "-startdate", day(days[0]), "-enddate", day(days[1]), "-extensions", extensions)
        with open(f"{path}.pem", "a", encoding="ascii") as file:
            for above in chain:
                file.write((self.folder / f"{above}.pem").read_text())
        return name

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


class Listener:
    """127.0.0.1 at a free port; each connection is a thread of its own."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.serve = serve
        self.seen = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            threading.Thread(target=self.answer, args=(connection, self.seen - 1), daemon=True).start()

    def answer(self, connection, number):
        try:
            self.serve(connection, number)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def reset(connection, _=0):
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hold(connection, _=0):
    while connection.recv(4096):
        pass


def say(text):
    def serve(connection, _):
        connection.recv(4096)
        connection.sendall(text)
        hold(connection)
    return serve


def talk(context, answer):
    """TLS, and then an answer to whatever is asked: octets, or what is called with the connection."""
    def serve(connection, number):
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(4096)
            if callable(answer):
                answer(tls)
            else:
                tls.sendall(answer)
    return serve


def secured(context, serve):
    """TLS, and then whatever serves connections."""
    def shake(connection, number):
        with context.wrap_socket(connection, server_side=True) as tls:
            serve(tls, number)
    return shake


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"


def pass_on(port, change):
    """In front of a port: change(octets so far, octets) -> what to pass on of them, or None: close."""
    def serve(connection, number):
        with socket.create_connection(("127.0.0.1", port)) as behind:
            threading.Thread(target=pump, args=(connection, behind), daemon=True).start()
            done = 0
            while octets := behind.recv(65536):
                changed = change(number, done, octets, connection)
                if changed is None:
                    break
                connection.sendall(changed)
                done += len(octets)
            connection.shutdown(socket.SHUT_RDWR)  # the pump still reads, and holds it open
    return serve


def pump(source, sink):
    try:
        while octets := source.recv(65536):
            sink.sendall(octets)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def close_after(count_of):
    """A connection is closed behind so many octets: count_of(number of the connection)."""
    def change(number, done, octets, connection):
        left = count_of(number) - done
        if left < len(octets):
            connection.sendall(octets[:left])
            return None
        return octets
    return change


def stall_after(count):
    def change(_, done, octets, connection):
        if count - done < len(octets):
            connection.sendall(octets[:max(0, count - done)])
            time.sleep(30)
            return None
        return octets
    return change


def drip(_, _done, octets, connection):
    for octet in octets:
        connection.sendall(bytes([octet]))
        time.sleep(0.02)
    return b""


def spoil_at(count):
    def change(_, done, octets, _connection):
        at = count - done
        return octets[:at] + bytes([octets[at] ^ 0xff]) + octets[at + 1:] if 0 <= at < len(octets) else octets
    return change


class Program:
    """nginx or s_server, ended by close()."""

    def __init__(self, port, *words):
        self.port = port
        self.process = subprocess.Popen([*map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until, words
                time.sleep(0.05)

    def close(self):
        self.process.terminate()
        self.process.wait()


def free_port():
    return kit.find_port("127.0.0.1")


def s_server(pki, name, *more):
    port = free_port()
    return Program(port, OPENSSL, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pki.folder / f"{name}.pem",
                   "-key", pki.folder / f"{name}.key", "-www", "-quiet", *more)


class Nginx(Program):
    """With the text of its server block; error.log and access.log in its folder."""

    def __init__(self, folder, pki, server, name="good", everywhere=False, clear=False, connections=256):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        port = free_port()
        listen = f"{'0.0.0.0' if everywhere else '127.0.0.1'}:{port}{'' if clear else ' ssl http2'}"
        (self.folder / "nginx.conf").write_text(f"""
user root;
worker_processes 1;
pid {self.folder}/pid;
error_log {self.folder}/error.log info;
events {{ worker_connections {connections}; }}
http {{
  log_format it '$ssl_session_reused $ssl_protocol alpn=$ssl_alpn_protocol sni=$ssl_server_name $status "$request" "$http_x_from" "$request_body" c=$connection';
  access_log {self.folder}/access.log it;
  client_body_temp_path {self.folder}; proxy_temp_path {self.folder}; fastcgi_temp_path {self.folder};
  uwsgi_temp_path {self.folder}; scgi_temp_path {self.folder};
  server {{
    listen {listen};
    ssl_certificate {pki.folder}/{name}.pem;
    ssl_certificate_key {pki.folder}/{name}.key;
    {server}
  }}
}}
""")
        super().__init__(port, NGINX, "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log", "-g", "daemon off;")

    def read(self, name):
        return (self.folder / name).read_text()
