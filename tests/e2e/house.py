"""A whole shop made of real processes, on a PostgreSQL and a Redis that tests may stop and kill.

What happened is told by three who do not know each other: the sandbox's journal, the rows, and
what the API answered. `settled` and `adds_up` hold them against each other.
"""

import contextlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import psycopg
from psycopg.rows import dict_row

from checkout_project import embedded
from checkout_project.embedded.postgresql import SERVING_ROLE
from checkout_project.processes import ROOT, Shop
from tests.e2e.receiver import Receiver
from tests.sandbox import Sandbox

ANSWER_SECONDS = 60
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "checkout_project.settings",  # not the quiet ones of the tests
    "SWEEP_SECONDS": "1",
    "STRIPE_CONNECT_SECONDS": "0.5",
    "STRIPE_READ_SECONDS": "2.5",
    "STRIPE_LIST_PAGES_MAX": "1",
    "PROCESSOR_LOOKUP_LAG_SECONDS": "1",
    "RESOLVE_FIRST_SECONDS": "1",
    "PROCESSOR_EVENT_FIRST_SECONDS": "1",
    "CLOCK_SKEW_SECONDS": "0.4",
    "CHECKOUT_LEASE_SECONDS": "7.5",
    "PAYMENT_LEASE_SECONDS": "11",
    "STALLED_AFTER_SECONDS": "4",
    "RELAY_RETRY_SECONDS_MAX": "2",
    # A test may hold a row for seconds to stop a process at a chosen statement.
    "DATABASE_LOCK_MILLISECONDS": "10000",
    # The client that is told listens on this machine.
    "WEBHOOK_HTTP_ALLOWED": "true",
    "WEBHOOK_NETWORKS_ALLOWED": "127.0.0.0/8",
    "WEBHOOK_SECONDS": "4",
    "WEBHOOK_LEASE_SECONDS": "6",
    # All shoppers share one address here.
    "RISK_IP": "100000,200000",
}
SERVERS = ("postgres", "redis")
LETTER_END = f"\n{'-' * 79}\n"


class Witness(Sandbox):
    """The journal of a sandbox that somebody else starts and stops."""

    def __init__(self, url):
        self.url, self.child = url, None
        self.http = httpx.Client(base_url=url, timeout=10)


class House:
    """The shop's processes, its servers, its callers and its witnesses."""

    def __init__(self, folder):
        self.folder = folder
        self.cluster = embedded.start(folder / "servers", durable=True)
        self.mail_folder = folder / "mail"
        self.receiver = Receiver()
        self.shop = Shop(
            folder=folder / "logs", env=self._env(), web_workers=2, web_threads=12,
        )  # fmt: skip
        self.witness = Witness(self.shop.sandbox_url)
        self.ended: set[str] = set()  # by themselves, in this test
        self.key, self.key_of_a_stranger = self._stock()

    def _env(self):
        where = self.cluster.addresses
        return SETTINGS | {
            "DATABASE_URL": where.database_url,
            "CELERY_BROKER_URL": where.broker_url,
            "DATABASE_ROLE": SERVING_ROLE,
            "MAIL_FOLDER": str(self.mail_folder),
            "WEBHOOK_PORTS": str(self.receiver.port),
        }

    def _stock(self):
        said = subprocess.run(
            [sys.executable, "-m", "tests.e2e.stocking"],
            env=self.shop.environ(), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
            timeout=120,
        )  # fmt: skip
        return said.stdout.split()

    def close(self):
        """End everything; nothing here is worth a slow goodbye."""
        for name in list(self.shop.pids):
            self.shop.kill(name)
        self.witness.http.close()
        self.receiver.close()
        self.cluster.stop()

    def mend(self):
        """Whatever a test left stopped, frozen or faulty goes on as if nothing had been."""
        for name in SERVERS:
            server = getattr(self.cluster, name)
            if server.running:
                os.kill(server.pid, signal.SIGCONT)
            server.start()
        for pid in self.shop.pids.values():
            os.killpg(pid, signal.SIGCONT)
        self.shop.start()
        self.shop.wait_ready()
        self.ended.clear()
        self.witness.heal()

    def look_after(self):
        """Start again what ended by itself, as a supervisor does."""
        self.ended.update(self.shop.start_again())

    def has_lost_nobody(self):
        """Nobody ended by himself, but the worker may: with a broker that went at a bad moment."""
        self.look_after()
        return self.ended <= {"worker"}

    # --- what is done to it ---------------------------------------------------------------

    def kill(self, name):
        """kill -9 of one of the six, with everything it started."""
        self.shop.kill(name)

    def revive(self, name):
        """Start one of the six again at the same address."""
        self.shop.start([name])
        self.shop.wait_ready()

    @contextlib.contextmanager
    def frozen(self, name):
        """One of the six, or a server, accepts what comes but does nothing for a while."""
        if name in SERVERS:
            pid, stop = getattr(self.cluster, name).pid, os.kill
        else:
            pid, stop = self.shop.pids[name], os.killpg
        stop(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                stop(pid, signal.SIGCONT)

    def power_cut(self):
        """Every process of the house ends at once; only what is on disk is left."""
        for name in list(self.shop.pids):
            os.killpg(self.shop.pids[name], signal.SIGKILL)
        self.cluster.kill()
        for name in list(self.shop.names):
            self.shop.kill(name)

    def power_back(self):
        """Everything is started again on the same files."""
        self.cluster.start()
        # Whoever was mailing is dead; let the two minutes of its lease have passed.
        self.rows("UPDATE orders_notification SET leased_until = now() WHERE sent_at IS NULL")
        self.shop.start()
        self.shop.wait_ready()

    # --- callers ----------------------------------------------------------------------------

    def checkout(self, body, *, key, api_key=None):
        """POST /v1/checkouts on a connection of its own."""
        return httpx.post(
            f"{self.shop.web_url}/v1/checkouts",
            json=body,
            headers={"Authorization": f"Bearer {api_key or self.key}", "Idempotency-Key": key},
            timeout=ANSWER_SECONDS,
        )

    def get(self, path):
        """GET with the caller's key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.get(f"{self.shop.web_url}{path}", headers=headers, timeout=ANSWER_SECONDS)

    def at_once(self, wishes):
        """POST every (body, key) at the same moment, each from a thread of its own."""
        barrier = Barrier(len(wishes))

        def send(wish):
            barrier.wait(timeout=30)
            return self.checkout(wish[0], key=wish[1])

        with ThreadPoolExecutor(len(wishes)) as pool:
            return list(pool.map(send, wishes, timeout=2 * ANSWER_SECONDS))

    def burst(self, wishes, *, threads=6):
        """POST every (body, key), so many at a time; all must be bought."""
        with ThreadPoolExecutor(threads) as pool:
            replies = list(pool.map(lambda wish: self.checkout(wish[0], key=wish[1]), wishes))
        assert [reply.status_code for reply in replies] == [201] * len(wishes)
        return [reply.json()["order"]["id"] for reply in replies]

    # --- witnesses ----------------------------------------------------------------------------

    def database(self):
        """A connection of the test's own, outside the shop's limits."""
        url = self.cluster.addresses.database_url
        return psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=5)

    def rows(self, statement, *values):
        """What the database says now."""
        with contextlib.closing(self.database()) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def waiting_for(self, table):
        """The sessions whose statement on this table waits for a row that another one holds."""
        waiting = self.rows(
            """SELECT pid FROM pg_stat_activity
               WHERE wait_event_type = 'Lock' AND position(%s IN query) > 0
                 AND pid <> pg_backend_pid()""",
            table,
        )
        return [row["pid"] for row in waiting]

    def mails_to(self, address):
        """The Message-IDs of what was mailed to one address; a file may hold several letters."""
        files = self.mail_folder.glob("*.log")
        letters = [part for file in files for part in file.read_text().split(LETTER_END)]
        return [
            letter.split("Message-ID: ")[1].split()[0]
            for letter in letters
            if f"To: {address}\n" in letter
        ]
