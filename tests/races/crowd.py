"""Many callers at once, each on a connection of its own, let loose by one barrier."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection

from tests.conftest import Api


def at_once(actions):
    """Run every action at the same moment; the results, in the order of the actions."""
    barrier = Barrier(len(actions))

    def run(action):
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return action()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(run, a) for a in actions]]


def checkouts_at_once(api, bodies, *, keys):
    """POST every body with its key at the same moment."""
    callers = [Api(api.key) for _ in bodies]
    return at_once(
        [
            lambda caller=caller, body=body, key=key: caller.checkout(body, key=key)
            for caller, body, key in zip(callers, bodies, keys, strict=True)
        ]
    )
