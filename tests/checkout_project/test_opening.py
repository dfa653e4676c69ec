"""`manage.py run` opens a shop that one can log in to and buy from, and closes it on Ctrl-C."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from io import StringIO

import httpx
import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.core.management import call_command

from checkout_project import opening, processes
from checkout_project.management.commands import run
from orders.models import Product
from tests.services import database_url


@pytest.mark.django_db
def test_samples_fill_an_empty_catalog_and_leave_a_filled_one_alone():
    assert opening.load_samples()
    count = Product.objects.count()
    assert count > 100
    Product.objects.update(title="ours")
    assert not opening.load_samples()
    assert Product.objects.filter(title="ours").count() == count


@pytest.mark.django_db
def test_the_command_says_whether_it_filled_it():
    said = [call_command_and_listen("load_samples") for _ in range(2)]

    assert said[0].startswith("Loaded")
    assert said[1] == "Nothing was done: there is a catalog.\n"
    assert Product.objects.count() > 100


def call_command_and_listen(name):
    told = StringIO()
    call_command(name, stdout=told)
    return told.getvalue()


@pytest.mark.django_db
def test_the_staff_password_is_random_works_and_is_kept_privately(tmp_path):
    kept = tmp_path / "kept" / "password"
    login = opening.staff_login(kept)
    user = authenticate(username=login.username, password=login.password)
    assert user is not None
    assert user.is_superuser
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert opening.staff_login(kept) == login


@pytest.mark.django_db
def test_a_password_that_somebody_else_chose_is_neither_changed_nor_shown(tmp_path):
    first = opening.staff_login(tmp_path / "a")
    assert opening.staff_login(tmp_path / "b").password is None
    assert authenticate(username=first.username, password=first.password) is not None


@pytest.mark.django_db
def test_without_anything_to_buy_the_error_says_how_to_import():
    with pytest.raises(opening.CatalogEmpty, match="import_catalog"):
        opening.sample_checkout()


class Visitor(StringIO):
    """Standard output that, when the shop says it is open, buys by the printed curl and leaves."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[httpx.Response] = []

    def write(self, text: str) -> int:
        size = super().write(text)
        if "The shop is open" in text:
            url, key, idempotency_key, body = re.search(
                r"curl -i (\S+) .*?Bearer (\S+)'.*?Idempotency-Key: (\S+)'.*?-d '(.*)'",
                text,
                re.DOTALL,
            ).groups()
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key}
            for _ in range(2):
                self.answers.append(httpx.post(url, headers=headers, json=json.loads(body)))
            self.answers.append(httpx.get(url.replace("/v1/checkouts", "/admin/login/")))
            raise KeyboardInterrupt
        return size


@pytest.mark.e2e
def test_run_opens_a_shop_whose_printed_request_buys_once_and_closes_on_ctrl_c(
    tmp_path, transactional_db, monkeypatch
):
    name = settings.DATABASES["default"]["NAME"]
    monkeypatch.setenv("DATABASE_URL", database_url(name))
    monkeypatch.setenv("MAIL_FOLDER", str(tmp_path / "mail"))
    monkeypatch.delenv("STRIPE_API_BASE", raising=False)
    monkeypatch.setattr(run, "DATA", tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    seen = Visitor()
    try:
        call_command("run", stdout=seen)
    finally:
        signal.signal(signal.SIGTERM, before)
    bought, again, admin = seen.answers
    assert (bought.status_code, again.status_code) == (201, 201), bought.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.content == bought.content
    assert admin.status_code == 200
    assert "Stopped." in seen.getvalue()
    assert all((tmp_path / "run-logs" / f"{name}.log").exists() for name in processes.NAMES)


def test_a_command_says_in_one_line_why_there_are_no_servers():
    code = (
        "import sys; from checkout_project.embedded import binaries, cluster;"
        "binaries.find_spec = lambda name: None; binaries.shutil.which = lambda name: None;"
        "binaries.DEBIAN_POSTGRESQL = cluster.DATA / 'none';"
        "import manage; sys.argv = ['manage.py', 'check']; manage.main()"
    )
    without = {
        k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "CELERY_BROKER_URL"}
    }
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=processes.ROOT,
        env=without,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("No PostgreSQL: ")
    assert "set DATABASE_URL" in ended.stderr
