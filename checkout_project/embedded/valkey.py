"""A private Redis (Valkey): the broker of those who have none."""

import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from checkout_project.embedded.account import Account
from checkout_project.embedded.server import Server

ANSWER_SECONDS = 2.0


class Redis(Server):
    """Valkey on a unix socket only, with an append-only file and no eviction."""

    title = "Redis"
    programs = frozenset({"valkey-server", "redis-server"})
    stop_signals = (signal.SIGTERM,)

    def __init__(
        self,
        *,
        program: Path,
        folder: Path,
        socket: Path,
        log: Path,
        account: Account,
        durable: bool,
    ) -> None:
        super().__init__(folder=folder, socket=socket, log=log, account=account)
        self._program = program
        self._durable = durable

    def prepare(self) -> None:
        """Only a folder; Redis makes the rest."""
        self.account.make_folder(self.folder)

    def argv(self) -> Sequence[str]:
        """Settings on the command line; a broker must refuse rather than evict messages."""
        return [
            *(str(self._program), "--port", "0"),
            *("--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--dir", str(self.folder), "--save", "", "--maxmemory-policy", "noeviction"),
            *("--appendonly", "yes" if self._durable else "no"),
        ]

    def stale(self) -> Sequence[Path]:
        """A socket file without a server."""
        return (self.socket,)

    def answers(self) -> bool:
        """Whether it answers PING; while it still loads its file it does not."""
        return broker_answers(self.socket)


def broker_answers(path: Path) -> bool:
    """Whether a server behind this socket answers PING."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_SECONDS)
            line.connect(str(path))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
    except OSError:
        return False
