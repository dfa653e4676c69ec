"""The embedded servers come up from nothing, come back after any kill, and leave nothing behind."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import environ
import psycopg
import pytest
from redis import Redis

from checkout_project import embedded
from checkout_project.embedded import account, binaries, children, cluster, server
from checkout_project.embedded.addresses import LONGEST_SOCKET_PATH, socket_folder

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel through /proc")
SERVERS = frozenset({"postgres", "initdb", "valkey-server", "redis-server"})


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="embedded-"))
    folder.chmod(0o711)
    yield folder / "data"
    for left in living(folder / "data"):  # only when the test failed
        os.kill(left, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


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


def test_from_nothing_both_servers_answer_and_a_clean_stop_keeps_what_was_written(data):
    with embedded.start(data) as first:
        write(first.addresses, "kept")
        with broker(data) as line:
            assert line.set("key", "kept")
            assert line.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        pids = [first.postgres.pid, first.redis.pid]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with embedded.start(data) as second:
        assert stored(second.addresses) == ["kept"]
        with broker(data) as line:
            assert line.get("key") == "kept"


def test_django_environ_and_psycopg_read_the_same_database_from_the_url(data):
    with embedded.start(data, durable=False) as servers:
        parsed = environ.Env.db_url_config(servers.addresses.database_url)
        assert parsed["ENGINE"] == "django.db.backends.postgresql"
        with psycopg.connect(
            dbname=parsed["NAME"], user=parsed["USER"], **parsed["OPTIONS"]
        ) as connection:
            found = connection.execute("SELECT current_database(), current_user").fetchone()
    assert found == ("checkout", "checkout")


def test_addresses_are_known_before_anything_runs(data):
    before = embedded.addresses(data)
    assert not data.exists()
    with embedded.start(data, durable=False) as servers:
        assert servers.addresses == before


def test_a_killed_server_comes_back_with_everything_it_acknowledged(data):
    servers = embedded.start(data)
    for number in range(3):
        write(servers.addresses, str(number))
        servers.kill()
        assert living(data) == []
        servers.start()
        assert stored(servers.addresses) == [str(n) for n in range(number + 1)]
    servers.stop()


def test_each_server_stops_starts_and_is_killed_on_its_own(data):
    with embedded.start(data) as servers:
        write(servers.addresses, "kept")
        servers.postgres.stop()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(servers.addresses.database_url)
        assert servers.redis.answers()
        servers.postgres.start()
        servers.postgres.kill()
        servers.postgres.restart()
        servers.redis.kill()
        assert not servers.redis.answers()
        servers.redis.start()
        assert servers.redis.answers()
        assert stored(servers.addresses) == ["kept"]


def test_a_server_that_was_stopped_by_a_signal_can_still_be_stopped(data):
    with embedded.start(data, durable=False) as servers:
        os.kill(servers.redis.pid, signal.SIGSTOP)
        started = time.monotonic()
        servers.redis.stop()
        assert time.monotonic() - started < 10
        assert not servers.redis.running


HOLD = """
import sys, time
from pathlib import Path
from checkout_project import embedded
servers = embedded.start(Path(sys.argv[1]))
print("up", servers.postgres.pid, servers.redis.pid, flush=True)
time.sleep(600)
"""


@LINUX
def test_a_parent_killed_with_9_leaves_no_server_behind_and_no_lock(data):
    parent = in_python(HOLD, str(data))
    assert parent.stdout.readline().startswith("up")
    write(embedded.addresses(data), "kept")
    assert living(data)
    parent.kill()
    parent.communicate()
    until(lambda: living(data) == [])
    with embedded.start(data) as servers:
        assert stored(servers.addresses) == ["kept"]


@LINUX
def test_servers_started_from_a_passing_thread_outlive_the_thread(data):
    with contextlib.ExitStack() as ending:
        code = "import threading\n" + HOLD.replace(
            "servers = embedded.start(Path(sys.argv[1]))",
            "made = []\n"
            "go = lambda: made.append(embedded.start(Path(sys.argv[1])))\n"
            "thread = threading.Thread(target=go)\n"
            "thread.start(); thread.join(); time.sleep(0.5); servers = made[0]",
        )
        parent = in_python(code, str(data))
        ending.callback(parent.communicate)
        ending.callback(parent.kill)
        assert parent.stdout.readline().startswith("up")
        write(embedded.addresses(data), "kept")


@LINUX
@pytest.mark.parametrize("moment", [0.05, 0.15, 0.3])
def test_a_parent_killed_in_the_middle_of_initdb_is_no_obstacle(data, moment):
    parent = in_python(HOLD, str(data))
    until((data / "postgres.partial").exists)
    time.sleep(moment)
    parent.kill()
    parent.communicate()
    with embedded.start(data) as servers:
        write(servers.addresses, "kept")


def test_half_a_data_folder_is_thrown_away_and_made_again(data):
    partial = data / "postgres.partial"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n")
    with embedded.start(data, durable=False) as servers:
        write(servers.addresses, "kept")
    assert not partial.exists()


def test_stale_pid_and_socket_files_are_no_obstacle(data):
    with embedded.start(data, durable=False) as servers:
        write(servers.addresses, "kept")
    # A pid that somebody else has by now: this very test.
    (data / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{data / 'postgres'}\n")
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock", "redis.sock"):
        (socket_folder(data) / name).write_text(f"{os.getpid()}\n")
    with embedded.start(data, durable=False) as servers:
        assert stored(servers.addresses) == ["kept"]


@LINUX
def test_an_orphan_that_ignores_its_parents_death_is_ended_first(data, monkeypatch):
    monkeypatch.setattr(server, "ORPHAN_GRACE_SECONDS", 0.5)
    orphaned = HOLD.replace("time.sleep(600)", "import os; os._exit(0)")
    # A death signal that servers ignore makes them orphans.
    orphaned = "from checkout_project.embedded import server\nimport signal\n" + orphaned.replace(
        "servers =",
        "server.Server.spawn.__globals__['children'].spawn = (lambda real: lambda *a, **k: real("
        "*a, **{**k, 'death_signal': signal.SIGCONT}))(server.children.spawn)\nservers =",
    )
    assert in_python(orphaned, str(data)).communicate()[0].startswith("up")
    orphans = living(data)
    assert orphans
    with embedded.start(data) as servers:
        assert not set(orphans) & set(living(data))
        write(servers.addresses, "kept")


def test_two_instances_live_side_by_side(data):
    with embedded.start(data / "a", durable=False) as a, embedded.start(data / "b") as b:
        write(a.addresses, "a")
        write(b.addresses, "b")
        assert (stored(a.addresses), stored(b.addresses)) == (["a"], ["b"])


def test_a_second_start_on_the_same_folder_is_refused(data):
    with (
        embedded.start(data, durable=False),
        pytest.raises(embedded.EmbeddedError, match="Another process runs"),
    ):
        embedded.start(data)


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


def test_provided_touches_nothing_when_both_urls_are_set(data):
    mine = {"DATABASE_URL": "postgres://mine", "CELERY_BROKER_URL": "redis://mine"}
    environment = dict(mine)
    with embedded.provided(environment, data=data):
        assert environment == mine
    assert not data.exists()


def test_provided_starts_only_the_server_whose_url_is_missing(data):
    environment = {"DATABASE_URL": "postgres://mine"}
    with embedded.provided(environment, data=data):
        assert environment["DATABASE_URL"] == "postgres://mine"
        assert environment["CELERY_BROKER_URL"] == embedded.addresses(data).broker_url
        with broker(data) as line:
            assert line.ping()
        assert not (data / "postgres").exists()
    assert living(data) == []


def test_provided_starts_for_the_block_and_a_second_process_attaches(data):
    first: dict[str, str] = {}
    second: dict[str, str] = {}
    with embedded.provided(first, data=data):
        pids = living(data)
        with embedded.provided(second, data=data):
            assert second == first
            assert cluster.DATABASE in second
        assert set(pids) <= set(living(data))  # leaving ends only what one started
        write(embedded.addresses(data), "kept")
    assert living(data) == []
