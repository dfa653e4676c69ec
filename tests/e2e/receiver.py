"""A client's server that is told of events: it keeps what came, and may think about it."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

THINKS_SECONDS_MAX = 30


class Receiver:
    """Answers 204 to everything; `told` is each request's headers and body, in order of arrival."""

    def __init__(self):
        self.told = []
        self._may_answer = threading.Event()
        self._may_answer.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.told.append((dict(self.headers), body))
                receiver._may_answer.wait(THINKS_SECONDS_MAX)
                with contextlib.suppress(OSError):  # whoever asked may be dead by now
                    self.send_response(204)
                    self.end_headers()

            def log_message(self, *_):
                """Nothing: the tests look at `told`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self):
        """Where it listens on this machine."""
        return self._server.server_port

    @contextlib.contextmanager
    def thinking(self) -> Iterator[None]:
        """Requests are read and not answered until the end."""
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    def close(self):
        """Hear nothing any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
