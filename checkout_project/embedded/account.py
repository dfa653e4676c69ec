"""The account the embedded servers run as: one's own, or as root an unprivileged one."""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from checkout_project.embedded.errors import EmbeddedError

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
# What root needs to make folders for another account, become it, and end its processes.
NEEDED_OF_ROOT = {"CHOWN": 0, "DAC_OVERRIDE": CAP_DAC_OVERRIDE, "KILL": 5, "SETGID": 6, "SETUID": 7}
CAP_SETPCAP = 8


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the servers and owns the data; `capability` opens private parents, -1 is none."""

    uid: int
    gid: int
    name: str
    capability: int = -1

    def launch_options(self) -> list[str]:
        """What `launch.py` must be told to become this account; nothing when we are it."""
        if self.uid == os.geteuid():
            return []
        return [
            *("--uid", str(self.uid)),
            *("--gid", str(self.gid)),
            *("--capability", str(self.capability)),
        ]

    def make_folder(self, folder: Path) -> None:
        """A private folder of this account; one that belongs to somebody else is refused."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink():
            raise EmbeddedError(f"{folder} is a symbolic link. Remove it.")
        found = folder.stat()
        if found.st_uid == self.uid and found.st_mode & 0o077 == 0:
            return
        if found.st_uid != os.geteuid():
            raise EmbeddedError(
                f"{folder} belongs to uid {found.st_uid}, not to {self.name}. "
                "Run as its owner, or remove it."
            )
        folder.chmod(0o700)
        os.chown(folder, self.uid, self.gid)


def _held() -> int:
    """The capabilities this process has now, as a bit mask."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _check_root() -> None:
    held = _held()
    missing = [f"CAP_{name}" for name, bit in NEEDED_OF_ROOT.items() if not held >> bit & 1]
    if missing:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root, and this root may not become another account "
            f"(missing: {', '.join(missing)}). Run as an ordinary user, or set DATABASE_URL and "
            "CELERY_BROKER_URL to servers of your own."
        )


def _unprivileged(owned: Iterable[Path]) -> Account:
    """The owner of what is already there, else `postgres`, else `nobody`."""
    for folder in owned:
        if folder.exists() and folder.stat().st_uid:
            found = folder.stat()
            return Account(found.st_uid, found.st_gid, f"uid {found.st_uid}")
    for name in ("postgres", "nobody"):
        try:
            known = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(known.pw_uid, known.pw_gid, name)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and this machine has neither an account `postgres` nor "
        "`nobody`. Run as an ordinary user, or set DATABASE_URL to a server of your own."
    )


def _shut(path: Path, account: Account) -> Path | None:
    """The first parent folder that this account may not pass, if any."""
    for parent in reversed(path.resolve().parents):
        if not parent.exists():
            return None  # will be made for this account
        found = parent.stat()
        bit = (
            0o100
            if found.st_uid == account.uid
            else 0o010
            if found.st_gid == account.gid
            else 0o001
        )
        if not found.st_mode & bit:
            return parent
    return None


def choose(*, owned: Iterable[Path], reach: Iterable[Path]) -> Account:
    """The account that owns the folders of these that exist, able to reach the other paths."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), f"uid {os.geteuid()}")
    _check_root()
    account = _unprivileged(owned)
    shut = next((where for path in reach if (where := _shut(path, account))), None)
    if shut is None:
        return account
    held = _held()
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE):
        if held >> capability & 1 and held >> CAP_SETPCAP & 1:
            return replace(account, capability=capability)
    raise EmbeddedError(
        f"PostgreSQL runs as {account.name}, which may not pass {shut}. Open that folder "
        "(chmod o+x), move the project, or set DATABASE_URL and CELERY_BROKER_URL to your own."
    )
