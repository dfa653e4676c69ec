"""A subscriber: a real HTTP server that keeps what it was told and answers as it was told to."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Heard:
    path: str
    headers: dict
    body: bytes


class Receiver:
    """Answers 204, unless `answers` holds something for the next request."""

    def __init__(self):
        self.heard, self.answers, self.delay = [], [], 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                names = {name.lower(): value for name, value in self.headers.items()}
                receiver.heard.append(Heard(self.path, names, body))
                time.sleep(receiver.delay)
                answer = receiver.answers.pop(0) if receiver.answers else (204, {}, b"")
                if callable(answer):
                    answer(self)
                    return
                status, headers, text = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hooks"

    @property
    def ids(self):
        return [heard.headers["webhook-id"] for heard in self.heard]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def answer(status, text=b"", **headers):
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, text
