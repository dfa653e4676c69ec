"""The limit: `pgbench` with the very statements of a real checkout, as plain SQL.

The statements are not kept by hand: one checkout is recorded as it runs, its ids become pgbench
variables, and so the two transactions are always those that the application sends today.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import orjson
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.requests import idempotency_key, purchase
from checkout_project.embedded import binaries

MARK = "424242424242"
SKU = 1
CUSTOMER = 515151
WARM_UP = "warm0"
# Ids keep their order in time, as those of the application do: the nth checkout of a client.
PROLOGUE = """\\set n :n + 1
\\set id (100 + :run) * 1000000000 + :n * 100 + :client_id
\\set sku random(1, :skus)
\\set customer random(1, :customers)
"""
_UUID = re.compile(
    r"(?<![0-9a-f-])[0-9a-f]{8}-?[0-9a-f]{4}-?7[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}(?![0-9a-f])"
)
_FINGERPRINT = re.compile(r"\"card_fingerprint\" = '([0-9a-f]+)'")
_ENDS = """
    SELECT (SELECT count(*) FROM orders_order WHERE state = 'placed'),
           (SELECT count(*) FROM foundation_idempotencykey WHERE state = 'completed'),
           (SELECT count(*) FROM orders_checkout WHERE state = 'completed'),
           (SELECT count(*) FROM orders_reservation WHERE state = 'committed'),
           (SELECT count(*) FROM payments_payment WHERE state = 'authorized'),
           (SELECT count(*) / 2 FROM foundation_transition),
           (SELECT count(*) / 2 FROM events_outboxevent)
"""


class LimitFailed(RuntimeError):
    """pgbench did not do what a checkout does; its figure would mean nothing."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One run of pgbench."""

    rate: float
    latency_milliseconds: float


def record(bearer: str) -> list[str]:
    """Buy once, warm, and return every statement of it, transaction control included."""
    client = Client(SERVER_NAME="127.0.0.1")
    _buy(client, bearer, WARM_UP)
    with CaptureQueriesContext(connection) as captured:
        _buy(client, bearer, MARK)
    return [query["sql"] for query in captured.captured_queries]


def _buy(client: Client, bearer: str, mark: str) -> None:
    headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": idempotency_key(mark)}
    reply = client.post(
        "/v1/checkouts",
        data=orjson.dumps(purchase(mark, sku=f"BENCH-{SKU}", customer=CUSTOMER)),
        content_type="application/json",
        headers=headers,
    )
    if reply.status_code != 201:
        raise LimitFailed(f"the recorded checkout was answered {reply.content!r}")


def script(statements: list[str], *, keep: str) -> str:
    """A pgbench script of these statements; `keep` is the one id that stays as it is."""
    text = ";\n".join(" ".join(statement.split()) for statement in statements) + ";\n"
    kept = keep.replace("-", "")
    for number, found in enumerate(sorted({_plain(u) for u in _UUID.findall(text)} - {kept})):
        text = _replaced(text, found, number)
    for fingerprint in set(_FINGERPRINT.findall(text)):
        text = text.replace(f"'{fingerprint}'", "'fp:id'")
    text = re.sub(r"pi_[0-9a-zA-Z]+", "pi_:id", text)
    text = text.replace(MARK, ":id")
    text = text.replace(f"BENCH-{SKU}'", "BENCH-:sku'").replace(f"BENCH-{SKU}}}", "BENCH-:sku}")
    text = text.replace(f"cus_{CUSTOMER}", "cus_:customer")
    return PROLOGUE + text.replace(f"shopper{CUSTOMER}@", "shopper:customer@")


def _plain(uuid: str) -> str:
    return uuid.replace("-", "")


def _replaced(text: str, uuid: str, number: int) -> str:
    dashed = "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]))
    new = f"0190{number:04x}-0000-7000-8000-:id"
    return text.replace(uuid, new).replace(dashed, new)


@dataclass(slots=True)
class Pgbench:
    """Runs one script again and again; no two runs make the same ids."""

    script: Path
    socket: Path
    user: str
    database: str
    skus: int
    customers: int
    _runs: int = 0

    def run(self, *, clients: int, seconds: float) -> Limit:
        """So many clients for so many seconds. Raises `LimitFailed` unless all went through."""
        self._runs += 1
        words = [
            *(str(binaries.postgresql() / "pgbench"), "--no-vacuum", "--protocol=simple"),
            *("-f", str(self.script), "-c", str(clients), "-j", "2", "-T", str(round(seconds))),
            *("-D", f"run={self._runs}", "-D", "n=0", "-D", f"skus={self.skus}"),
            *("-D", f"customers={self.customers}", self.database),
        ]
        env = {**os.environ, "PGHOST": str(self.socket), "PGUSER": self.user, "PGPORT": "5432"}
        ran = subprocess.run(
            words, env=env, capture_output=True, text=True, timeout=seconds + 60, check=False
        )
        if ran.returncode or "number of failed transactions: 0 " not in ran.stdout:
            raise LimitFailed(f"pgbench: {ran.stderr[-2000:]}\n{ran.stdout[-1000:]}")
        return Limit(_figure(ran.stdout, "tps = "), _figure(ran.stdout, "latency average = "))


def _figure(text: str, before: str) -> float:
    found = re.search(re.escape(before) + r"([0-9.]+)", text)
    if not found:
        raise LimitFailed(f"pgbench did not say {before!r}:\n{text[-1000:]}")
    return float(found[1])


def check_ends() -> None:
    """Every checkout, whoever made it, came to the same end in every table; or `LimitFailed`."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDS)
        counts = cursor.fetchone()
    connection.close()
    if len(set(counts)) != 1:
        raise LimitFailed(f"orders, keys, checkouts, holds, payments, moves, events: {counts}")
