"""The `type` of a refusal leads to what it means and what to do."""

import json
import subprocess
import sys
from pathlib import Path

from tests.architecture.test_docs import problem_codes

ROOT = Path(__file__).resolve().parents[2]
LISTED = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from checkout_project import wsgi
from django.test import Client
items = Client(SERVER_NAME="localhost").get("/v1/problems").json()["items"]
print(__import__("json").dumps([item["code"] for item in items]))
"""


def test_every_refusal_is_explained(client):
    for code, status in problem_codes():
        reply = client.get(f"/v1/problems/{code}")
        told = reply.json()

        assert reply.status_code == 200, code
        assert told["code"] == code
        assert told["status"] == (status or 422)
        assert told["type"].endswith(f"/v1/problems/{code}")
        assert told["meaning"]
        assert told["what_to_do"]
        assert told["retryable"] == (told["retry_with"] != "none") or told["status"] in (412, 503)


def test_a_web_process_that_was_just_started_lists_all_of_them():
    """Whatever tests imported: a class nobody loaded would not be listed."""
    told = subprocess.run(
        [sys.executable, "-c", LISTED], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert json.loads(told.stdout) == sorted(code for code, _ in problem_codes())


def test_the_type_of_a_refusal_leads_to_its_page(client):
    refused = client.get("/v1/orders").json()
    page = client.get("/v1" + refused["type"].partition("/v1")[2])

    assert page.json()["code"] == refused["code"] == "unauthenticated"
    assert page["ETag"]


def test_a_code_that_does_not_exist_has_no_page(client):
    assert client.get("/v1/problems/no_such").status_code == 404
