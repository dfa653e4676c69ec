"""The embedded servers come up from nothing, come back after any kill, and leave nothing behind."""

import contextlib
import os
import signal
import time
from pathlib import Path

import environ
import psycopg
import pytest

from checkout_project import embedded
from checkout_project.embedded import cluster, server
from checkout_project.embedded.addresses import socket_folder
from tests.checkout_project.clusters import (
    HOLD,
    LINUX,
    broker,
    in_python,
    living,
    stored,
    until,
    write,
)


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


def test_provided_touches_nothing_when_both_urls_are_set(data):
    mine = {"DATABASE_URL": "postgres://mine", "CELERY_BROKER_URL": "redis://mine"}
    environment = dict(mine)
    with embedded.provided(environment, data=data):
        assert environment == mine
    assert not data.exists()


def test_provided_keeps_the_role_that_the_environment_names(data):
    environment = {"CELERY_BROKER_URL": "redis://mine", "DATABASE_ROLE": "mine"}
    with embedded.provided(environment, data=data, durable=False):
        assert environment["DATABASE_ROLE"] == "mine"


def test_a_session_on_a_new_server_can_begin_as_the_serving_role(data):
    with embedded.start(data, durable=False) as servers:
        url = f"{servers.addresses.database_url}&options=-c%20role%3Dcheckout_app"
        with psycopg.connect(url) as line:
            assert line.execute("SELECT current_user").fetchone() == ("checkout_app",)


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
            assert second[cluster.ROLE] == "checkout_app"
        assert set(pids) <= set(living(data))  # leaving ends only what one started
        write(embedded.addresses(data), "kept")
    assert living(data) == []
