"""As it is deployed: nobody has anything to add to the settings, and pages are shut."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.checks import registry as checks_registry
from django.http import HttpResponse
from django.test import RequestFactory

from checkout_project import page_policy
from checkout_project.deployed import nothing_is_the_examples
from checkout_project.page_policy import PagePolicyMiddleware

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = {
    "DJANGO_SETTINGS_MODULE": "checkout_project.settings",
    "DEBUG": "false",
    "SECRET_KEY": "a-key-of-fifty-characters-and-more: 0123456789-abcdefghij",
    "ALLOWED_HOSTS": "shop.example.com",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
    "MAIL_DOMAIN": "shop.example.com",
    "STRIPE_SECRET_KEY": "sk_live_of_the_shop",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_the_shop",
    "PROBLEM_BASE_URL": "https://shop.example.com",
}


def _as_deployed():
    # What the tests of the browser need in their own process is none of a shop's settings.
    here = {k: v for k, v in os.environ.items() if k != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    return here | DEPLOYED


def check_as_deployed(**changed):
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=_as_deployed() | changed, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_checks_for_deployment_find_nothing():
    done = check_as_deployed()

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_what_is_still_the_examples_is_told_one_by_one():
    done = check_as_deployed(
        EMAIL_URL="", MAIL_DOMAIN="checkout.example", STRIPE_SECRET_KEY="sk_test_sandbox",
        STRIPE_WEBHOOK_SECRET="whsec_new,whsec_sandbox", PROBLEM_BASE_URL="https://checkout.example",
    )  # fmt: skip

    assert done.returncode != 0
    told = re.findall(r"\(checkout\.(W\d+)\) (\w+)", done.stderr)
    assert dict(told) == {
        "W001": "EMAIL_URL", "W002": "MAIL_DOMAIN", "W003": "STRIPE_SECRET_KEY",
        "W004": "STRIPE_WEBHOOK_SECRET", "W005": "PROBLEM_BASE_URL",
    }  # fmt: skip


def test_on_ones_own_machine_nothing_of_it_is_said(settings):
    names = {check.__name__ for check in checks_registry.registry.get_checks()}

    assert nothing_is_the_examples.__name__ not in names
    assert len(nothing_is_the_examples(None)) >= 4


@pytest.mark.parametrize("path", ["/v1/docs", "/v1/openapi.json", "/v1/nothing", "/livez"])
def test_every_answer_says_what_a_page_may_load(client, path):
    policy = client.get(path)["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


def test_the_admins_theme_may_evaluate_where_it_is_installed_and_nobody_else(settings, monkeypatch):
    with_theme = SimpleNamespace(INSTALLED_APPS=[*settings.INSTALLED_APPS, "unfold"])
    monkeypatch.setattr(page_policy, "settings", with_theme)
    answered = PagePolicyMiddleware(lambda request: HttpResponse())

    def scripts(path):
        policy = answered(RequestFactory().get(path))["Content-Security-Policy"]
        return re.findall(r"script-src ([^;]*)", policy)

    assert scripts("/admin/orders/") == ["'self' 'unsafe-eval'"]
    assert scripts("/v1/docs") == ["'self'"]


@pytest.mark.django_db
def test_no_page_of_the_admin_has_a_script_in_its_text(admin_client):
    for path in ("/admin/", "/admin/orders/order/", "/admin/payments/payment/"):
        page = admin_client.get(path)

        assert page.status_code == 200, path
        inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page.content.decode())
        assert [tag for tag in inline if "application/json" not in tag] == [], path
        assert not re.search(r"\son(click|load|submit|change)=", page.content.decode()), path


def test_networks_of_proxies_that_are_none_are_refused_at_start():
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env=_as_deployed() | {"TRUSTED_PROXIES": "10.0.0.1/8"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert "TRUSTED_PROXIES: 10.0.0.1/8 has host bits set" in done.stderr
