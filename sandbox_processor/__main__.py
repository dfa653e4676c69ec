"""Runs the sandbox processor until it is told to stop."""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from sandbox_processor import clock
from sandbox_processor.agenda import Agenda
from sandbox_processor.app import Sandbox
from sandbox_processor.faults import Faults
from sandbox_processor.holds import Holds
from sandbox_processor.http import Connection
from sandbox_processor.journal import Journal
from sandbox_processor.webhooks import Courier


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox_processor", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8111)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--webhook-url", default="")
    parser.add_argument("--webhook-secret", default="whsec_sandbox")
    parser.add_argument("--search-lag", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--allow-reset", action="store_true")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    journal = Journal(path=options.journal)
    clock.set_to(journal.moved())
    courier = Courier(url=options.webhook_url, secret=options.webhook_secret, journal=journal)
    courier.listen_as_at_start()
    sandbox = Sandbox(
        journal=journal,
        faults=Faults(journal=journal),
        holds=Holds(journal=journal),
        agenda=Agenda(journal=journal),
        courier=courier,
        origin=f"http://{options.host}:{options.port}",
        search_lag=options.search_lag,
        allow_reset=options.allow_reset,
    )
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(
        lambda: Connection(application=sandbox.answer), options.host, options.port, backlog=512
    )
    watch = asyncio.create_task(sandbox.watch())
    async with server:
        await stop.wait()
        watch.cancel()
        courier.stop()
    journal.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(run(arguments()))
