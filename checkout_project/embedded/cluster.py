"""Both servers of one data folder, under one lock."""

import contextlib
import fcntl
import os
from collections.abc import Collection, Iterator, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Self

from checkout_project.embedded import binaries, children
from checkout_project.embedded.account import Account, choose
from checkout_project.embedded.addresses import (
    BROKER_SOCKET,
    DATABASE_SOCKET,
    Addresses,
    addresses,
    socket_folder,
)
from checkout_project.embedded.errors import EmbeddedError
from checkout_project.embedded.postgresql import SERVING_ROLE, PostgreSQL
from checkout_project.embedded.server import Server
from checkout_project.embedded.valkey import Redis

DATA = Path(__file__).resolve().parents[2] / ".data"
DATABASE = "DATABASE_URL"
BROKER = "CELERY_BROKER_URL"
ROLE = "DATABASE_ROLE"
ATTACH_SECONDS = 120.0


class InUse(EmbeddedError):
    """Another live process runs the servers of this folder."""


class Embedded:
    """The two servers; `postgres` and `redis` may be stopped and started on their own.

    With fewer `names` only the servers behind those settings exist and need their programs.
    """

    def __init__(
        self, data: Path, *, durable: bool = True, names: Collection[str] = (DATABASE, BROKER)
    ) -> None:
        self.data = data.resolve()
        try:
            self.data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(f"{self.data} cannot be made: {error}") from error
        self.addresses: Addresses = addresses(self.data)
        self._servers: list[Server] = []
        if DATABASE in names:
            self.postgres = self._make_postgres(durable=durable)
            self._servers.append(self.postgres)
        if BROKER in names:
            self.redis = self._make_redis(durable=durable)
            self._servers.append(self.redis)
        self._lock = -1

    def _make_postgres(self, *, durable: bool) -> PostgreSQL:
        programs = binaries.postgresql()
        return PostgreSQL(
            programs=programs,
            folder=self.data / "postgres",
            socket=socket_folder(self.data) / DATABASE_SOCKET,
            log=self.data / "postgres.log",
            account=self._account(programs / "postgres"),
            durable=durable,
        )

    def _make_redis(self, *, durable: bool) -> Redis:
        program = binaries.redis()
        return Redis(
            program=program,
            folder=self.data / "redis",
            socket=socket_folder(self.data) / BROKER_SOCKET,
            log=self.data / "redis.log",
            account=self._account(program),
            durable=durable,
        )

    def _account(self, program: Path) -> Account:
        """The same for both, because they share the sockets' folder."""
        folders = [self.data / "postgres", self.data / "redis"]
        return choose(owned=folders, reach=[*folders, socket_folder(self.data), program])

    def start(self) -> None:
        """Take the folder and start the servers; all or none."""
        self._take_lock()
        try:
            for server in self._servers:
                server.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop both cleanly and give the folder back."""
        for server in reversed(self._servers):
            server.stop()
        self._give_lock_back()

    def kill(self) -> None:
        """End both at once, as a power cut would."""
        for server in self._servers:
            server.kill()
        self._give_lock_back()

    def answers(self) -> bool:
        """Whether every server takes requests, whoever started it."""
        return all(server.answers() for server in self._servers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _take_lock(self) -> None:
        """The kernel gives the lock back when its holder dies, however it dies."""
        try:
            lock = os.open(self.data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError as error:
            raise EmbeddedError(
                f"{self.data} belongs to another account ({error}). Run as that one, or remove it."
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise InUse(f"Another process runs the servers of {self.data}.") from error
        self._lock = lock

    def _give_lock_back(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def start(data: Path, *, durable: bool = True) -> Embedded:
    """Start PostgreSQL and Redis for this folder, making them first where needed.

    `durable=False` trades safety for speed: for unit tests, whose data nobody wants back.
    """
    embedded = Embedded(data, durable=durable)
    embedded.start()
    return embedded


@contextlib.contextmanager
def provided(
    environ: MutableMapping[str, str], *, data: Path = DATA, durable: bool = True
) -> Iterator[None]:
    """Servers for every URL that the environment does not name, for the life of this block.

    Those that another live process runs for the same folder are used; what starts here ends here.
    On a database of ours, sessions are of the restricted role, unless the environment names one.
    """
    names = tuple(name for name in (DATABASE, BROKER) if not environ.get(name))
    if not names:
        yield
        return
    embedded = Embedded(data, durable=durable, names=names)
    ours = _start_or_attach(embedded)
    urls = {DATABASE: embedded.addresses.database_url, BROKER: embedded.addresses.broker_url}
    environ.update({name: urls[name] for name in names})
    if DATABASE in names and not environ.get(ROLE):
        environ[ROLE] = SERVING_ROLE
    try:
        yield
    finally:
        if ours:
            embedded.stop()


def _start_or_attach(embedded: Embedded) -> bool:
    """True when we run them now; False when another process does and they answer."""
    ours = False

    def settled() -> bool:
        nonlocal ours
        try:
            embedded.start()
        except InUse:  # it may be starting, or just about to end
            return embedded.answers()
        ours = True
        return True

    if not children.until(settled, seconds=ATTACH_SECONDS, pause=0.2):
        raise EmbeddedError(
            f"Another process holds {embedded.data / 'lock'}, but its servers are silent. End it."
        )
    return ours
