"""The shop's processes start, stop and die as one, and say what is wrong when one does not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.urls import resolve

from checkout_project import processes
from checkout_project.embedded import children
from tests.services import database_url

ROOT = Path(__file__).resolve().parents[2]


def sandbox(folder: Path, **options: object) -> processes.Shop:
    return processes.Shop(folder=folder, names=("sandbox",), **options)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_process_starts_becomes_healthy_and_stops(tmp_path):
    shop = sandbox(tmp_path)
    with shop:
        pid = shop.pids["sandbox"]
        assert processes.answers(shop.host, shop.sandbox_port, "/_sandbox/health")
        assert not processes.answers(shop.host, shop.sandbox_port, "/no-such-page")
    assert gone(pid)
    assert shop.pids == {}


def test_a_killed_process_is_noticed_and_starts_again_at_the_same_address(tmp_path):
    with sandbox(tmp_path) as shop:
        first, url = shop.pids["sandbox"], shop.sandbox_url
        shop.check_alive()
        os.kill(first, signal.SIGKILL)
        assert children.until(lambda: shop.pids == {}, seconds=10)
        with pytest.raises(processes.ShopFailed, match="sandbox ended by itself"):
            shop.check_alive()
        shop.restart("sandbox")
        assert shop.pids["sandbox"] != first
        assert shop.sandbox_url == url


def test_what_ended_by_itself_is_started_again_but_not_for_ever(tmp_path):
    with sandbox(tmp_path) as shop:
        assert shop.start_again() == []
        for _ in range(processes.ENDS_MAX - 1):
            killed = end(shop)
            assert shop.start_again() == ["sandbox"]
            assert shop.pids["sandbox"] != killed
        end(shop)
        with pytest.raises(processes.ShopFailed, match="sandbox ends again and again"):
            shop.start_again()


def end(shop):
    """By a signal that nobody here sent, as far as the shop knows."""
    pid = shop.pids["sandbox"]
    os.kill(pid, signal.SIGKILL)
    assert children.until(lambda: shop.pids == {}, seconds=10)
    return pid


def test_killing_by_name_is_meant_and_no_failure(tmp_path):
    with sandbox(tmp_path) as shop:
        pid = shop.pids["sandbox"]
        shop.kill("sandbox")
        assert gone(pid)
        shop.check_alive()


def test_a_process_that_cannot_start_shows_the_end_of_its_log(tmp_path):
    shop = sandbox(tmp_path, sandbox_options=("--no-such-option",))
    with pytest.raises(processes.ShopFailed, match="unrecognized arguments: --no-such-option"):
        shop.__enter__()
    assert shop.pids == {}


def test_a_process_that_never_answers_is_given_up_in_bounded_time(tmp_path):
    shop = sandbox(tmp_path)
    shop.start()
    shop.send("sandbox", signal.SIGSTOP)
    started = time.monotonic()
    try:
        with pytest.raises(processes.ShopFailed, match="sandbox is not ready"):
            shop.wait_ready(seconds=1)
        assert time.monotonic() - started < 3 * processes.PROBE_SECONDS
    finally:
        shop.stop()
    assert time.monotonic() - started < processes.STOP_SECONDS


def test_the_sandbox_is_the_processor_of_the_others_only_when_it_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("STRIPE_API_BASE", "https://processor.example")
    shop = processes.Shop(folder=tmp_path)
    assert shop.environ()["STRIPE_API_BASE"] == shop.sandbox_url
    alone = processes.Shop(folder=tmp_path, names=("web", "worker"))
    assert alone.environ()["STRIPE_API_BASE"] == "https://processor.example"


def test_what_the_caller_says_wins_and_the_sandbox_is_the_processor(tmp_path):
    shop = processes.Shop(folder=tmp_path, env={"PYTHONUNBUFFERED": "0", "X": "1"})
    assert shop.environ()["X"] == "1"
    assert shop.environ()["PYTHONUNBUFFERED"] == "0"
    assert shop.environ()["STRIPE_API_BASE"] == shop.sandbox_url


@pytest.fixture
def served(tmp_path, transactional_db) -> processes.Shop:
    """All five on the test database."""
    name = settings.DATABASES["default"]["NAME"]
    return processes.Shop(folder=tmp_path, env={"DATABASE_URL": database_url(name)})


@pytest.mark.e2e
def test_all_five_come_up_healthy_and_go_down_together(served):
    with served:
        assert set(served.pids) == set(processes.NAMES)
        tree = [
            child
            for pid in served.pids.values()
            for child in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))
        ]
        time.sleep(2)  # one that dies of a wrong setting dies early
        served.check_alive()
    assert all(gone(child.pid) for child in tree)


@pytest.mark.e2e
def test_killing_the_web_process_ends_its_workers_too(served):
    with served:
        web = psutil.Process(served.pids["web"])
        workers = web.children(recursive=True)
        served.kill("web")
        assert children.until(lambda: all(gone(worker.pid) for worker in workers), seconds=10)
        served.start(["web"])
        served.wait_ready()
        assert served.pids["web"] != web.pid


PARENT = """
import sys, time
from pathlib import Path
from checkout_project.processes import Shop
with Shop(folder=Path(sys.argv[1])) as shop:
    print(*shop.pids.values(), flush=True)
    time.sleep(600)
"""


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_nothing_outlives_a_parent_killed_with_9(served):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(served.folder)],
        cwd=ROOT,
        env=served.environ(),
        stdout=subprocess.PIPE,
        text=True,
    )
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == len(processes.NAMES)
    tree = [child.pid for pid in pids for child in psutil.Process(pid).children(recursive=True)]
    parent.kill()
    parent.communicate()
    assert children.until(lambda: all(gone(pid) for pid in [*pids, *tree]), seconds=20)


def test_the_sandbox_tells_the_web_process_and_signs_with_what_it_knows(tmp_path, monkeypatch):
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_new, whsec_old")
    shop = processes.Shop(folder=tmp_path)
    words = shop.argv("sandbox")
    assert words[words.index("--webhook-url") + 1].startswith(f"{shop.web_url}/v1/")
    assert words[words.index("--webhook-secret") + 1] == "whsec_new"


def test_a_sandbox_without_a_web_process_tells_nobody(tmp_path):
    assert "--webhook-url" not in sandbox(tmp_path).argv("sandbox")
    quiet = processes.Shop(folder=tmp_path, sandbox_tells=False)
    assert "--webhook-url" not in quiet.argv("sandbox")


def test_the_address_that_the_sandbox_tells_is_the_one_that_listens():
    assert resolve(processes.EVENTS_PATH).kwargs == {"processor": "stripe"}
