"""Providers of fraud scores and taxes that live outside: they talk over a real socket."""

import json
import socket
import threading
from contextlib import contextmanager

from foundation.transactions import refuse_inside_transaction
from orders import providers
from orders.fraud import Assessment, Reason
from orders.tax import TaxedLine, TaxQuote

ADDRESS = {}  # where the provider of this test listens, by what it is asked
ASKED = []


def _exchange(subject, question, seconds):
    refuse_inside_transaction()
    ASKED.append(subject)
    with socket.create_connection(ADDRESS[subject], timeout=seconds) as line:
        line.sendall(json.dumps(question).encode() + b"\n")
        return json.loads(line.makefile().readline())


class OutsideFraud:
    """Sends the e-mail address; hears an outcome."""

    calls_out = True

    def screen(self, attempt, *, seconds):
        told = _exchange("fraud", {"email": attempt.email}, seconds)
        reasons = () if told["outcome"] == "accept" else (Reason("told", told["outcome"], "told"),)
        return Assessment.of(reasons)


class OutsideTax:
    """Sends the country; hears a rate in parts per million, to be put on top."""

    calls_out = True

    def quote(self, sale, *, seconds):
        told = _exchange("tax", {"country": sale.country}, seconds)
        lines = tuple(self._line(line, told["ppm"]) for line in sale.lines)
        tax = sum(line.tax_amount for line in lines) + told.get("off_by", 0)
        net = sum(line.net_amount for line in lines)
        return TaxQuote(lines, sale.shipping.amount, 0, net, tax)

    def _line(self, line, ppm):
        net = line.unit_amount * line.quantity
        return TaxedLine(
            line.sku, line.quantity, line.unit_amount, net, net * ppm // 1_000_000, ppm, "XX", False
        )


@contextmanager
def provider(subject, *answers):
    """A provider that gives these answers, one a question; None is to say nothing at all.

    After the last it says nothing.
    """
    held = []

    def serve(listener):
        for answer in [*answers, *[None] * 50]:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            held.append(line)
            if answer is not None:
                line.makefile().readline()
                line.sendall(json.dumps(answer).encode() + b"\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        ADDRESS[subject] = listener.getsockname()
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    for line in held:
        line.close()


__all__ = ["ASKED", "provider", "providers"]
