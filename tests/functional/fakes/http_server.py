"""An HTTP server on loopback that a test can make misbehave."""

import http.server
import threading
import time


class Misbehaviour:
    """What the next requests meet, in order, each once. Kinds:

    ("delay", seconds)          late, but right
    ("half-open", seconds)      nothing, then the connection is closed; not carried out
    ("status", code, headers)   this answer; not carried out
    ("lose",)                   carried out, never answered
    ("drop",)                   carried out, the connection closed after half of the answer
    ("garbage",)                carried out, answered with the first half, as if that were all
    ("huge", bytes)             carried out, answered with so many blanks
    ("claim", bytes)            carried out, an answer that says it is so long; little of it comes
    ("lie", bytes)              carried out, answered with this
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.queue = []

    def add(self, *kinds, on=b""):
        """`on`: only requests whose path or body has this."""
        with self.lock:
            self.queue.extend((on, kind) for kind in kinds)

    def next(self, path, body):
        with self.lock:
            for place, (on, kind) in enumerate(self.queue):
                if on in path.encode() + body:
                    del self.queue[place]
                    return kind
        return ("none",)

    def clear(self):
        with self.lock:
            self.queue.clear()


class HttpServer:
    """Runs handle(method, path, headers, body) → (status, type, bytes) for each request, one at a time."""

    def __init__(self, handle, port=0):
        self.handle, self.misbehaviour, self.requests = handle, Misbehaviour(), []
        self.lock = threading.RLock()  # a test takes it to change what is answered, as one
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30
            disable_nagle_algorithm = True

            def log_message(self, *arguments):
                pass

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.answer(self, self.command, self.path, self.headers, body)

            do_GET = do_POST = serve

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, request, address):
                pass  # a client that went away

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def answer(self, http_request, method, path, headers, body):
        bad = self.misbehaviour.next(path, body)
        if bad[0] in ("delay", "half-open"):
            time.sleep(bad[1])
        if bad[0] == "half-open":
            return self.hang_up(http_request)
        if bad[0] == "status":
            with self.lock:
                self.requests.append((method, path, body))
            return self.send(http_request, bad[1], "text/plain", b"as asked for", bad[2] if len(bad) > 2 else {})
        with self.lock:
            self.requests.append((method, path, body))
            status, kind, reply = self.handle(method, path, headers, body)
        if bad[0] == "lose":
            return self.hang_up(http_request)
        if bad[0] == "garbage":
            reply = reply[: len(reply) // 2]
        if bad[0] == "huge":
            reply = b" " * bad[1]
        if bad[0] == "lie":
            reply = bad[1]
        self.send(http_request, status, kind, reply, {}, bad)

    def hang_up(self, http_request):
        http_request.close_connection = True
        http_request.connection.close()

    def send(self, http_request, status, kind, reply, headers, bad=("none",)):
        cut = bad[0] in ("drop", "claim")
        try:
            http_request.send_response(status)
            http_request.send_header("Content-Type", kind)
            http_request.send_header("Content-Length", str(bad[1] if bad[0] == "claim" else len(reply)))
            for name, value in headers.items():
                http_request.send_header(name, value)
            http_request.end_headers()
            http_request.wfile.write(reply[: len(reply) // 2] if cut else reply)
            if cut:
                http_request.close_connection = True
        except OSError:
            pass

    def count(self, mark):
        """How many requests had this in path or body."""
        with self.lock:
            return sum(mark in path.encode() + body for _, path, body in self.requests)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
