"""What the tests of the embedded servers share: a way to look at a cluster from outside."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from checkout_project import embedded
from checkout_project.embedded import children, server
from checkout_project.embedded.addresses import socket_folder

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel through /proc")
SERVERS = frozenset({"postgres", "initdb", "valkey-server", "redis-server"})

HOLD = """
import sys, time
from pathlib import Path
from checkout_project import embedded
servers = embedded.start(Path(sys.argv[1]))
print("up", servers.postgres.pid, servers.redis.pid, flush=True)
time.sleep(600)
"""


def living(data: Path) -> list[int]:
    folders = [data / "postgres", data / "postgres.partial", data / "redis"]
    return [pid for folder in folders for pid in server.occupants(folder, SERVERS)]


def write(at: embedded.Addresses, value: str) -> None:
    with psycopg.connect(at.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def stored(at: embedded.Addresses) -> list[str]:
    with psycopg.connect(at.database_url) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept")]


def broker(data: Path) -> Redis:
    return Redis(unix_socket_path=str(socket_folder(data) / "redis.sock"), decode_responses=True)


def in_python(code: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
    """Run code that may import the project in another Python."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def until(holds: Callable[[], bool]) -> None:
    assert children.until(holds, seconds=30), "waited 30 seconds in vain"
