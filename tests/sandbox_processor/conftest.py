"""Starts a real sandbox processor for each test, and reaches it through the real stripe SDK."""

import socket
import subprocess
import sys
import time

import httpx
import pytest
import requests
import stripe

PATIENCE_SECONDS = 10


class Processor:
    """A sandbox processor in its own process, on its own journal."""

    def __init__(self, *, journal):
        self.journal_path = journal
        with socket.socket() as plug:
            plug.bind(("127.0.0.1", 0))
            self.port = plug.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.child = None
        self.options = ()
        self.session = requests.Session()
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def start(self, *options):
        self.options = options
        self.child = subprocess.Popen(
            [
                *(sys.executable, "-m", "sandbox_processor", "--port", str(self.port)),
                *("--journal", str(self.journal_path), *options),
            ]
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.http.get("/_sandbox/health").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError("the sandbox did not start")

    def is_as_started(self):
        alive = self.child is not None and self.child.poll() is None
        return alive and self.options == ("--allow-reset",)

    def kill(self):
        if self.child is not None:
            self.child.kill()
            self.child.wait(PATIENCE_SECONDS)

    def stop(self):
        self.http.close()
        self.session.close()
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()
            self.child.wait(PATIENCE_SECONDS)

    def client(self, *, timeout=10, key="sk_test_sandbox"):
        return stripe.StripeClient(
            key,
            base_addresses={"api": self.url},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=timeout, session=self.session),
        )

    def journal(self, **query):
        return self.http.get("/_sandbox/journal", params=query).json()

    def effects(self, reference):
        return self.journal(payment=reference)["effects"]

    def holds(self, reference):
        return self.http.get("/_sandbox/holds", params={"payment": reference}).json()["holds"]

    def fault(self, operation, fault, **options):
        answer = self.http.post(
            "/_sandbox/faults", json={"operation": operation, "fault": fault, **options}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def backstage(self, path, **given):
        """What banks, cardholders and time do."""
        answer = self.http.post(f"/_sandbox/{path}", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def move(self, seconds):
        """The sandbox's time."""
        return self.backstage("clock", move_seconds=seconds)


@pytest.fixture(scope="session")
def child(tmp_path_factory):
    """One process for all tests that leave it alone."""
    running = Processor(journal=tmp_path_factory.mktemp("sandbox") / "journal.sqlite3")
    yield running
    running.stop()


@pytest.fixture
def processor(child):
    """A sandbox that knows nothing yet; a test may kill it and start it as it likes."""
    if not child.is_as_started():
        child.kill()
        child.start("--allow-reset")
    assert child.http.delete("/_sandbox/journal").status_code == 200
    return child


@pytest.fixture
def intents(processor):
    return processor.client().v1.payment_intents


def order(reference, *, method="pm_card_visa", amount=1999, currency="usd", **more):
    """The parameters of an authorization as our adapter sends them."""
    metadata = {"payment": reference, **more.pop("metadata", {})}
    return {
        "amount": amount,
        "currency": currency,
        "confirm": True,
        "capture_method": "manual",
        "payment_method": method,
        "metadata": metadata,
        **more,
    }
