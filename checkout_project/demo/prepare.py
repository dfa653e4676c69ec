"""The demo's own database: tables, samples, a key and a login, made by a process that sees it."""

import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from checkout_project import opening
from checkout_project.embedded import children
from checkout_project.processes import ROOT, ShopFailed

PREPARE_SECONDS = 120
WAY_IN = "way-in.json"
DAY = "demo-day"


@dataclass(frozen=True, slots=True)
class WayIn:
    """What a client and a person need to come in."""

    key: str
    day_key: str  # of another client, which sees only what it made
    books_key: str  # of the same, for whoever compares the books: it sees everything
    user: str
    password: str


def prepared(environment: Mapping[str, str], folder: Path) -> WayIn:
    """Run `prepare` where the settings are those of the demo."""
    log = folder / "prepare.log"
    child = children.spawn(
        [sys.executable, "manage.py", "demo", "--prepare", str(folder)],
        env=environment,
        cwd=ROOT,
        log=log,
        death_signal=signal.SIGKILL,
    )
    try:
        if child.wait(PREPARE_SECONDS) != 0:
            raise ShopFailed(f"the database could not be prepared:\n{children.tail(log)}")
    finally:
        children.end(child, grace_seconds=0)
    return WayIn(**json.loads((folder / WAY_IN).read_text()))


def prepare(folder: Path) -> None:
    """Make tables, load the samples, let a client and a person in; leaves the way in a file."""
    opening.make_tables()
    opening.load_samples()
    login = opening.staff_login(folder / "admin-password")
    way_in = WayIn(
        key=opening.client_key(),
        day_key=opening.client_key(DAY),
        books_key=opening.client_key(DAY, sees_all=True),
        user=login.username,
        password=login.password or "",
    )
    opening.write_private(folder / WAY_IN, json.dumps(asdict(way_in)))
