"""A gRPC gateway's manners over HTTPS, as LND and tapd have them: macaroon, refusals as HTTP 500, faults."""

import json
import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .faults import OVERSIZE, Faults, garbage

MACAROON = bytes(range(40))


class Refused(Exception):
    def __init__(self, code, message, http=500):
        super().__init__(message)
        self.code, self.http = code, http


def make_certificate(folder, name):
    """A certificate and its key, made now; None: there is no openssl to make one."""
    if shutil.which("openssl") is None:
        return None
    certificate, key = folder / (name + ".cert"), folder / (name + ".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True)
    return certificate, key


class Gateway:
    """Calls `self.handle(method, path, query, body)`, which gives a JSON value, a list of lines, or Refused."""

    streams = ()  # beginnings of paths that are answered by lines: refusals there stand in "error"

    def __init__(self, folder, name):
        self.certificate, key = make_certificate(folder, name)
        self.macaroon_file = folder / (name + ".macaroon")
        self.macaroon_file.touch(0o600)
        self.macaroon_file.write_bytes(MACAROON)
        self.faults = Faults()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                gateway.answer(self, "GET")

            def do_POST(self):
                gateway.answer(self, "POST")

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, address):
                pass  # a peer that hangs up early is what some tests are about

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.url = "https://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, method):
        url = urlsplit(request.path)
        body = json.loads(request.rfile.read(int(request.headers.get("Content-Length") or 0)) or b"null")
        fault = self.faults.take("%s %s" % (method, url.path))
        if request.headers.get("Grpc-Metadata-macaroon") != MACAROON.hex():
            return self.reply(request, 500, {"code": 2, "message": "verification failed: signature mismatch after "
                                             "caveat verification", "details": []})
        if fault == "drop":
            return self.hang_up(request)
        if fault in ("401", "429", "503"):
            return self.reply(request, int(fault), {}, {"Retry-After": "1"} if fault != "401" else {})
        if fault == "redirect":
            return self.reply(request, 302, {}, {"Location": "http://127.0.0.1:1/"})
        if fault == "oversize":
            return self.flood(request)
        try:
            status, value = 200, self.handle(method, url.path, parse_qs(url.query), body)
        except Refused as refused:
            status, value = refused.http, {"code": refused.code, "message": str(refused), "details": []}
            if url.path.startswith(self.streams):
                value = {"error": value}
        if fault == "drop_after":
            return self.hang_up(request)
        if fault == "malformed":
            return self.send(request, status, garbage(fault, value))
        if fault == "half":
            return self.send(request, status, garbage(fault, value), length=1 << 20)
        return self.reply(request, status, value)

    def reply(self, request, status, value, headers=None):
        lines = value if isinstance(value, list) else [value]
        self.send(request, status, b"\n".join(json.dumps(line).encode() for line in lines), headers)

    def send(self, request, status, body, headers=None, length=None):
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body) if length is None else length))
        for name, text in (headers or {}).items():
            request.send_header(name, text)
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = length is not None

    def flood(self, request):
        request.send_response(200)
        request.send_header("Content-Length", str(OVERSIZE))
        request.end_headers()
        for _ in range(OVERSIZE >> 20):
            request.wfile.write(b"x" * (1 << 20))

    def hang_up(self, request):
        request.close_connection = True
        request.connection.shutdown(2)
