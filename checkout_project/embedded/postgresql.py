"""A private PostgreSQL: made once, started in a moment, back after any kill with nothing lost."""

import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import psycopg

from checkout_project.embedded import binaries, children
from checkout_project.embedded.account import Account
from checkout_project.embedded.addresses import DATABASE_SOCKET, PORT
from checkout_project.embedded.errors import EmbeddedError
from checkout_project.embedded.server import Server, end_occupants

NAME = "checkout"  # the role and the database
SERVING_ROLE = "checkout_app"  # what the shop's sessions are; `migrate` says what it may do
MAX_CONNECTIONS = 200
INITDB_SECONDS = 120.0
FIRST_WITH_BUILTIN_LOCALE = 17
SPEED_BEFORE_SAFETY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class PostgreSQL(Server):
    """PostgreSQL on a unix socket only, for whoever may open the socket's folder."""

    title = "PostgreSQL"
    programs = frozenset({"postgres", "initdb"})
    stop_signals = (signal.SIGINT, signal.SIGQUIT)  # fast, then immediate

    def __init__(
        self,
        *,
        programs: Path,
        folder: Path,
        socket: Path,
        log: Path,
        account: Account,
        durable: bool,
    ) -> None:
        super().__init__(folder=folder, socket=socket, log=log, account=account)
        self._programs = programs
        self._durable = durable

    def prepare(self) -> None:
        """Make the cluster, unless it stands; refuse one of another major version."""
        major = binaries.postgresql_major(self._programs)
        if not self.folder.exists():
            self._make_cluster(major)
        found = (self.folder / "PG_VERSION").read_text().strip()
        if found != str(major):
            raise EmbeddedError(
                f"{self.folder} holds data of PostgreSQL {found}, and the program here is {major}. "
                f"Dump it with {found} and load it again, or move the folder away to start empty."
            )

    def _make_cluster(self, major: int) -> None:
        """Build beside the place and rename: a folder with the final name is complete."""
        partial = self.folder.with_name(f"{self.folder.name}.partial")
        end_occupants(partial, self.programs)
        if partial.exists():
            shutil.rmtree(partial)
        self.account.make_folder(partial)
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        initdb = self.spawn(
            [
                *(str(self._programs / "initdb"), f"--pgdata={partial}", f"--username={NAME}"),
                *("--auth=trust", "--encoding=UTF8", "--no-instructions"),
                *(locale if major >= FIRST_WITH_BUILTIN_LOCALE else ("--no-locale",)),
                *(() if self._durable else ("--no-sync",)),
            ],
            cwd=partial,
        )
        children.until(lambda: initdb.poll() is not None, seconds=INITDB_SECONDS)
        if initdb.poll() != 0:
            children.end(initdb, grace_seconds=1)
            raise EmbeddedError(f"initdb failed:\n{children.tail(self.log)}")
        partial.rename(self.folder)

    def argv(self) -> Sequence[str]:
        """All settings on the command line, so that an old data folder gets today's."""
        settings = [
            "listen_addresses=",
            f"port={PORT}",
            f"unix_socket_directories={self.socket.parent}",
            "unix_socket_permissions=0700",
            f"max_connections={MAX_CONNECTIONS}",
            "timezone=UTC",
            "log_timezone=UTC",
            *(() if self._durable else SPEED_BEFORE_SAFETY),
        ]
        if binaries.has_statement_statistics(self._programs):
            settings += ["shared_preload_libraries=pg_stat_statements"]
        options = [word for setting in settings for word in ("-c", setting)]
        return [str(self._programs / "postgres"), "-D", str(self.folder), *options]

    def stale(self) -> Sequence[Path]:
        """The pid file may name a pid that another has by now; a socket file refuses a new one."""
        return (
            self.folder / "postmaster.pid",
            self.socket,
            self.socket.with_name(f"{DATABASE_SOCKET}.lock"),
        )

    def start(self) -> None:
        """Start, and see to it that the database and the serving role are there."""
        super().start()
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME])
            if known.fetchone() is None:
                connection.execute(f'CREATE DATABASE "{NAME}"')
            role = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [SERVING_ROLE])
            if role.fetchone() is None:
                connection.execute(f'CREATE ROLE "{SERVING_ROLE}" NOLOGIN')

    def answers(self) -> bool:
        """Whether a session can be opened."""
        return database_answers(self._conninfo())

    def _conninfo(self) -> str:
        return psycopg.conninfo.make_conninfo(
            host=str(self.socket.parent),
            port=PORT,
            user=NAME,
            dbname="postgres",
            connect_timeout=5,
        )


def database_answers(conninfo: str) -> bool:
    """Whether a session can be opened there."""
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError:
        return False
    return True
