"""A sandbox processor for tests: a real process, and its journal as the independent witness."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 20


class Sandbox:
    """One process on one journal. What it says happened is what happened."""

    def __init__(self, folder):
        self.journal_file = Path(folder) / "journal.sqlite3"
        with socket.socket() as plug:
            plug.bind(("127.0.0.1", 0))
            self.port = plug.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=10)
        self.child = None

    def start(self):
        self.child = subprocess.Popen(
            [
                sys.executable, "-m", "sandbox_processor", "--host", "127.0.0.1",
                "--port", str(self.port), "--journal", str(self.journal_file), "--allow-reset",
            ],
            cwd=ROOT,
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.http.get("/_sandbox/health").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError("the sandbox did not become ready")

    def stop(self):
        self.http.close()
        if self.child is not None:
            self.child.terminate()
            self.child.wait(PATIENCE_SECONDS)

    def kill(self):
        self.child.kill()
        self.child.wait(PATIENCE_SECONDS)

    def fault(self, operation, name, **options):
        reply = self.http.post(
            "/_sandbox/faults", json={"operation": operation, "fault": name, **options}
        )
        assert reply.status_code == 200, reply.text

    def backstage(self, path, **given):
        """What banks, cardholders and time do (see `sandbox_processor/backstage.py`)."""
        reply = self.http.post(f"/_sandbox/{path}", json=given)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def heal(self):
        self.http.delete("/_sandbox/faults")

    def as_at_start(self):
        """No faults, the real time, and nobody who listens; what happened stays on record."""
        self.heal()
        self.http.delete("/_sandbox/clock")
        self.http.put("/_sandbox/listener", json={"url": None})

    def forget(self):
        """Everything that ever happened, for worlds that come by the thousand."""
        assert self.http.delete("/_sandbox/journal").status_code == 200

    def requests(self, payment=None):
        """Every request received (for one payment, by our reference)."""
        return [entry for entry in self.entries(payment) if entry["kind"] == "request"]

    def effects(self, payment=None, kind=None):
        """Everything that really happened: authorization, capture, cancel, refund."""
        happened = [entry for entry in self.entries(payment) if entry["kind"] == "effect"]
        return [effect for effect in happened if kind in (None, effect["effect"])]

    def holds(self, payment=None):
        """The holds that live now."""
        query = {"payment": payment} if payment else {}
        return self.http.get("/_sandbox/holds", params=query).json()["holds"]

    def entries(self, payment=None):
        """Requests and effects in order, all pages: one is cut off at ten thousand entries."""
        query, found = ({"payment": payment} if payment else {}), []
        while True:
            page = self.http.get("/_sandbox/journal", params=query).json()
            found += page["entries"]
            if not page["has_more"]:
                return found
            query = query | {"since": str(page["entries"][-1]["seq"])}
