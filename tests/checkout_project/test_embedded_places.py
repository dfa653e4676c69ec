"""The embedded servers run wherever the project lies and whoever runs it, or say why not."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from checkout_project import embedded
from checkout_project.embedded import account, binaries
from checkout_project.embedded.addresses import LONGEST_SOCKET_PATH, socket_folder
from tests.checkout_project.clusters import (
    AS_ROOT,
    ROOT,
    in_python,
    living,
    stored,
    write,
)


def test_a_long_path_gets_a_short_private_folder_for_its_sockets(data):
    deep = data / ("long" * 20) / ("longer é" * 8)
    sockets = socket_folder(deep)
    assert len(bytes(sockets / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH
    with embedded.start(deep, durable=False) as servers:
        write(servers.addresses, "kept")
        assert servers.redis.answers()
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    shutil.rmtree(sockets)


def test_a_socket_folder_that_somebody_else_put_there_is_refused(data, monkeypatch):
    owner = account.Account(uid=os.geteuid() + 1, gid=os.getegid(), name="another")
    monkeypatch.setattr(account.os, "geteuid", lambda: os.getuid() + 2)
    data.mkdir()
    with pytest.raises(embedded.EmbeddedError, match="belongs to uid"):
        owner.make_folder(data)


def test_data_of_another_major_version_is_refused_in_words(data):
    embedded.start(data, durable=False).stop()
    (data / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(
        embedded.EmbeddedError, match=r"data of PostgreSQL 12, and the program here"
    ):
        embedded.start(data)
    assert living(data) == []


def test_a_hostile_locale_and_environment_change_nothing(data, monkeypatch):
    for name, value in {
        "LC_ALL": "xx_YY.UTF-8",
        "LANG": "zz",
        "PGPORT": "1",
        "PGDATA": "/",
    }.items():
        monkeypatch.setenv(name, value)
    with embedded.start(data, durable=False) as servers:
        write(servers.addresses, "größe")
        assert stored(servers.addresses) == ["größe"]


def test_without_any_program_the_error_names_both_remedies(monkeypatch):
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    monkeypatch.setattr(binaries.shutil, "which", lambda name: None)
    monkeypatch.setattr(binaries, "DEBIAN_POSTGRESQL", Path("/nonexistent"))
    with pytest.raises(embedded.EmbeddedError, match="Install PostgreSQL, or set DATABASE_URL"):
        binaries.postgresql()
    with pytest.raises(embedded.EmbeddedError, match="Install one, or set CELERY_BROKER_URL"):
        binaries.redis()


def test_without_the_wheels_programs_of_this_machine_are_used(data, monkeypatch):
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    try:
        binaries.postgresql(), binaries.redis()
    except embedded.EmbeddedError as absent:
        pytest.skip(f"this machine has no servers of its own: {absent}")
    with embedded.start(data, durable=False) as servers:
        write(servers.addresses, "größe")
        assert servers.redis.answers()


TWICE = """
import os, sys
from pathlib import Path
import psycopg
from checkout_project import embedded
for turn in range(2):
    with embedded.start(Path(sys.argv[1])) as servers:
        with psycopg.connect(servers.addresses.database_url) as connection:
            print(turn, connection.execute("select 1").fetchone(), servers.redis.answers())
        assert Path(f"/proc/{servers.postgres.pid}").stat().st_uid == os.getuid() != 0
"""


def python_for(somebody: account.Account) -> str | None:
    """A Python like ours that this account can run; ours may stand in a private home."""
    like_ours = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for found in (sys.executable, shutil.which(like_ours, path="/usr/local/bin:/usr/bin")):
        if found and account._shut(Path(found), somebody) is None:
            return found
    return None


@AS_ROOT
def test_an_ordinary_user_runs_them_too(data):
    nobody = pwd.getpwnam("nobody")
    python = python_for(account.Account(nobody.pw_uid, nobody.pw_gid, "nobody"))
    if python is None:
        pytest.skip("no Python on this machine that an ordinary user can run")
    data.mkdir()
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    child = subprocess.run(
        [python, "-c", TWICE, str(data)],
        check=False,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert child.stdout.splitlines() == ["0 (1,) True", "1 (1,) True"], child.stderr


@AS_ROOT
def test_as_root_the_servers_run_as_somebody_else_below_a_private_folder(data):
    data.mkdir(mode=0o700)
    with embedded.start(data) as servers:
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in living(data)}
        assert owners == {servers.postgres.account.uid}
        assert 0 not in owners
        assert servers.postgres.account.capability in (
            account.CAP_DAC_READ_SEARCH,
            account.CAP_DAC_OVERRIDE,
        )
        write(servers.addresses, "kept")


POWERLESS = """
import ctypes, sys
from pathlib import Path
from checkout_project import embedded
class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
assert ctypes.CDLL(None).capset(ctypes.byref(Header(0x20080522, 0)), (ctypes.c_uint32 * 6)()) == 0
try:
    embedded.start(Path(sys.argv[1]))
except embedded.EmbeddedError as error:
    print(error)
"""


@AS_ROOT
def test_a_root_without_capabilities_is_told_what_to_do(data):
    said = in_python(POWERLESS, str(data)).communicate(timeout=60)[0]
    assert "this root may not become another account" in said
    assert "Run as an ordinary user, or set DATABASE_URL" in said
