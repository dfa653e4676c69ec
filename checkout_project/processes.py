"""The six processes of a running shop, as children: started, watched, killed and stopped together.

`manage.py run`, the demo, the end-to-end tests and the benchmark all use these same commands, and
docker-compose.yml is held against them.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from checkout_project.embedded import children

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
NAMES = ("sandbox", "web", "worker", "beat", "relay", "deliverer")
QUEUES = ("payments", "orders", "events", "sweeps")
EVENTS_PATH = "/v1/processor-events/stripe"
# As in settings.py and the sandbox, when nobody sets another.
WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105 - it guards no money
HEALTH = {"web": "/readyz", "sandbox": "/_sandbox/health"}
READY_SECONDS = 60.0
ENDS_MAX, ENDS_SECONDS = 5, 60.0  # who ends by himself so often in so long is not started again
STOP_SECONDS = 25.0  # longer than a worker's soft shutdown
PROBE_SECONDS = 5.0
# A worker that is asked nicely waits for its tasks, and for a broker that may have gone with us.
# Its children have a death signal of their own, and the sweeps finish what it dropped.
DEATH_SIGNALS = {"worker": signal.SIGKILL}


class ShopFailed(RuntimeError):
    """A process of the shop ended or never became ready; the text shows the end of its log."""


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens on this port right now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


@dataclass(slots=True)
class Shop:
    """The processes of one shop; `folder` takes logs, the sandbox's journal and beat's schedule."""

    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)  # on top of our own environment
    names: tuple[str, ...] = NAMES
    host: str = HOST
    web_port: int = field(default_factory=free_port)
    sandbox_port: int = field(default_factory=free_port)
    web_workers: int = 1
    web_threads: int = 8
    worker_concurrency: int = 2
    journal: Path | None = None
    sandbox_options: tuple[str, ...] = ()  # such as --allow-reset
    sandbox_tells: bool = True  # whether the sandbox sends its events to web
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    _ends: dict[str, deque[float]] = field(default_factory=dict, init=False)

    @property
    def web_url(self) -> str:
        """Where the API and the admin are."""
        return f"http://{self.host}:{self.web_port}"

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox processor is."""
        return f"http://{self.host}:{self.sandbox_port}"

    @property
    def pids(self) -> dict[str, int]:
        """The processes that live now."""
        return {name: child.pid for name, child in self._children.items() if child.poll() is None}

    def log(self, name: str) -> Path:
        """The file that takes what this process prints."""
        return self.folder / f"{name}.log"

    def environ(self) -> dict[str, str]:
        """What each process of this shop sees; a sandbox among them is the others' processor."""
        ours = {"PYTHONUNBUFFERED": "1"}
        if "sandbox" in self.names:
            ours["STRIPE_API_BASE"] = self.sandbox_url
        return {**os.environ, **ours, **self.env}

    def argv(self, name: str) -> list[str]:
        """The command of one process, to be run in the project's folder."""
        return [sys.executable, *self._words()[name]]

    def _words(self) -> dict[str, tuple[str, ...]]:
        journal = self.journal or self.folder / "journal.sqlite3"
        return {
            "sandbox": (
                *("-m", "sandbox_processor", "--host", self.host, "--port", f"{self.sandbox_port}"),
                *("--journal", f"{journal}"),
                *self._listener(),
                *self.sandbox_options,
            ),
            "web": (
                *("-m", "granian", "--interface", "wsgi", "--host", self.host),
                *("--port", f"{self.web_port}", "--workers", f"{self.web_workers}"),
                *("--blocking-threads", f"{self.web_threads}", "checkout_project.wsgi:application"),
            ),
            "worker": (
                *("-m", "celery", "-A", "checkout_project", "worker", "--queues", ",".join(QUEUES)),
                *("--concurrency", f"{self.worker_concurrency}", "--without-gossip"),
                *("--without-mingle", "--loglevel", "INFO"),
            ),
            "beat": (
                *("-m", "celery", "-A", "checkout_project", "beat"),
                *("--schedule", f"{self.folder / 'beat-schedule'}", "--loglevel", "INFO"),
            ),
            "relay": ("manage.py", "relay_outbox"),
            "deliverer": ("manage.py", "deliver_webhooks"),
        }

    def _listener(self) -> tuple[str, ...]:
        """Whom the sandbox tells of its events: web, signed with the secret that web knows."""
        if not self.sandbox_tells or "web" not in self.names:
            return ()
        secrets = self.environ().get("STRIPE_WEBHOOK_SECRET") or WEBHOOK_SECRET
        url, secret = f"{self.web_url}{EVENTS_PATH}", secrets.partition(",")[0].strip()
        return ("--webhook-url", url, "--webhook-secret", secret)

    def start(self, names: Iterable[str] | None = None) -> None:
        """Start these processes (all, unless named) that do not live already; waits for nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in self.names if names is None else names:
            if name in self.pids:
                continue
            self._children[name] = children.spawn(
                self.argv(name),
                env=self.environ(),
                cwd=ROOT,
                log=self.log(name),
                death_signal=DEATH_SIGNALS.get(name, signal.SIGTERM),
            )

    def wait_ready(self, *, seconds: float = READY_SECONDS) -> None:
        """Return when every started process lives and those with a health address are healthy."""
        for name in self._children:
            children.until(lambda name=name: self._settled(name), seconds=seconds, pause=0.05)  # type: ignore[misc]
            if not self._healthy(name):
                raise ShopFailed(f"{name} is not ready:\n{children.tail(self.log(name))}")

    def check_alive(self) -> None:
        """Raise when a process that was started and not stopped has ended."""
        for name in self._children.keys() - self.pids.keys():
            raise ShopFailed(f"{name} ended by itself:\n{children.tail(self.log(name))}")

    def start_again(self) -> list[str]:
        """Start what ended by itself, as whoever runs a shop must; returns the names.

        Celery's worker, for one, ends when its broker goes away at a bad moment. Raises
        `ShopFailed` for what ends again and again: that does not get better by starting it.
        """
        ended = sorted(self._children.keys() - self.pids.keys())
        for name in ended:
            ends = self._ends.setdefault(name, deque(maxlen=ENDS_MAX))
            ends.append(time.monotonic())
            if len(ends) == ENDS_MAX and ends[-1] - ends[0] < ENDS_SECONDS:
                raise ShopFailed(f"{name} ends again and again:\n{children.tail(self.log(name))}")
        self.start(ended)
        return ended

    def stop(self, names: Iterable[str] | None = None) -> None:
        """Ask these (all, unless named) to finish, last started first; end those that do not."""
        leaving = [name for name in reversed(self._children) if names is None or name in names]
        for name in leaving:
            # A web server that is still starting does not hear TERM; it has nothing to finish.
            is_starting = name in self.pids and not self._healthy(name)
            self.send(name, signal.SIGKILL if is_starting else signal.SIGTERM)
            self.send(name, signal.SIGCONT)  # a stopped one would not hear it
        for name in leaving:
            child = self._children.pop(name)
            children.until(lambda child=child: child.poll() is not None, seconds=STOP_SECONDS)  # type: ignore[misc]
            children.signal_group(child, signal.SIGKILL)  # also what the child left behind
            child.wait()

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the main process of one name."""
        self._children[name].send_signal(number)

    def kill(self, name: str) -> None:
        """End one with everything it started, at once, as the kernel would when memory is short."""
        child = self._children.pop(name)
        children.signal_group(child, signal.SIGKILL)
        child.wait()

    def restart(self, name: str) -> None:
        """Stop one if it lives, start it again at the same address, and wait for it."""
        self.stop([name])
        self.start([name])
        self.wait_ready()

    def __enter__(self) -> Self:
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _settled(self, name: str) -> bool:
        return name not in self.pids or self._healthy(name)

    def _healthy(self, name: str) -> bool:
        if name not in self.pids:
            return False
        if name not in HEALTH:
            return True
        return answers(
            self.host, self.web_port if name == "web" else self.sandbox_port, HEALTH[name]
        )


def answers(host: str, port: int, path: str) -> bool:
    """Whether a GET there is answered with 200."""
    line = http.client.HTTPConnection(host, port, timeout=PROBE_SECONDS)
    try:
        line.request("GET", path)
        return line.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
