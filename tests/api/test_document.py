"""The document is what the code says, it is valid, and the web process has nothing to do for it."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from drf_spectacular.validation import validate_schema

from checkout_project.openapi.document import build, written
from checkout_project.openapi.published import DOCUMENT, published
from checkout_project.openapi.views import document
from events.catalogue import PUBLIC
from foundation.edge.authentication import SCOPES
from tests.api.paths import PLACES
from tests.architecture.test_docs import problem_codes

ROOT = Path(__file__).resolve().parents[2]
SERVED = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from checkout_project import wsgi
from django.test import Client
assert Client(SERVER_NAME="localhost").get("/v1/openapi.json").status_code == 200
loaded = [name for name in sys.modules if name.split(".")[-1] == "contract"]
print([*loaded, *(name for name in sys.modules if name.startswith("drf_spectacular."))])
"""


@pytest.fixture(scope="module")
def made():
    """The document, made from the code as it is now."""
    return build()


def every_operation(made):
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def contents(operation):
    """Every body of an operation: what is asked, and what is answered."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for answer in operation["responses"].values():
        yield from answer.get("content", {}).values()


def test_the_committed_files_are_what_the_code_says():
    files = published()
    stale = [name for name, text in files.items() if (ROOT / name).read_text() != text]

    assert stale == [], "run `make openapi`"
    there = [path for path in (ROOT / "docs/collection").rglob("*") if path.is_file()]
    assert {str(path.relative_to(ROOT)) for path in there} == {
        name for name in files if name.startswith("docs/collection/")
    }


def test_it_is_valid_openapi_3_1(made):
    assert made["openapi"].startswith("3.1")
    validate_schema(made)


def test_every_path_of_the_service_is_in_it_with_its_methods(made):
    for place in PLACES:
        path = place.route
        for part, name in (("reference", "id"), ("code", "code"), ("sku", "sku")):
            path = path.replace(f"<str:{part}>", f"{{{name}}}")
            path = path.replace(f"<path:{part}>", f"{{{name}}}")

        assert {method.upper() for method in made["paths"][path]} == set(place.methods)
    assert {"/livez", "/readyz", "/metrics"} <= set(made["paths"])


def test_every_operation_says_which_scope_it_needs(made):
    for name, operation in every_operation(made):
        scopes = [scope for needed in operation["security"] for scope in needed["ApiKey"]]

        assert set(scopes) <= set(SCOPES), name
        if scopes:
            assert {"401", "403", "429", "503"} <= set(operation["responses"]), name


def test_every_operation_has_a_name_of_its_own(made):
    names = [operation["operationId"] for _, operation in every_operation(made)]

    assert len(names) == len(set(names))


def test_every_refusal_that_can_be_heard_is_in_it(made):
    told = {
        code
        for _, operation in every_operation(made)
        for content in contents(operation)
        for part in content["schema"].get("allOf", [])
        for code in part.get("properties", {}).get("code", {}).get("enum", [])
    }
    not_heard = {
        "approval_already_asked", "approval_needed", "approval_not_pending", "approval_not_yours",
        "bad_column_map", "case_not_open", "case_verb_unknown", "checkout_not_in_review",
        "checkout_not_stuck", "deed_not_possible",
        "mail_obsolete", "mail_sent_often", "mail_still_waiting", "method_not_allowed",
        "order_not_completable",
        "payment_not_reauthorizable", "payment_not_released", "processor_event_not_dead",
        "window_not_over",
    }  # fmt: skip

    assert {code for code, _ in problem_codes()} - told <= not_heard


def test_every_example_is_of_the_shape_next_to_it(made):
    looked_at = 0
    for _, operation in every_operation(made):
        for content in contents(operation):
            for example in content.get("examples", {}).values():
                value = example.get("value")
                if "$ref" in example:
                    value = made["components"]["examples"][example["$ref"].split("/")[-1]]["value"]
                schema = {**content["schema"], "components": made["components"]}
                jsonschema.Draft202012Validator(schema).validate(value)
                looked_at += 1
    assert looked_at > 300


def test_every_event_that_leaves_the_house_is_told_as_a_webhook(made):
    assert set(made["webhooks"]) == PUBLIC
    for told in made["webhooks"].values():
        given = told["post"]["parameters"]
        needed = {parameter["name"] for parameter in given if parameter["required"]}
        assert needed == {"webhook-id", "webhook-timestamp", "webhook-signature"}
        assert {parameter["name"] for parameter in given} - needed == {"traceparent"}


def test_it_is_served_as_it_is_committed(client, made):
    reply = client.get("/v1/openapi.json")

    assert reply.status_code == 200
    assert reply["Content-Type"] == "application/json"
    assert reply.content == (ROOT / DOCUMENT).read_bytes() == document()
    assert json.loads(reply.content) == json.loads(written(made))
    again = client.get("/v1/openapi.json", headers={"If-None-Match": reply["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.django_db  # closing an answer looks at a connection that another test left open
def test_the_page_to_try_it_comes_from_here_alone(client):
    page = client.get("/v1/docs")
    text = page.content.decode()
    sources = [part.split('"')[0] for part in text.split('src="')[1:]]

    assert page.status_code == 200
    assert sources
    assert all(source.startswith("/static/") for source in sources)
    assert "<script>" not in text
    assert "script-src 'self'" in page["Content-Security-Policy"]
    for source in sources:
        file = client.get(source)
        assert file.status_code == 200, source
        file.close()


def test_the_web_process_loads_nothing_of_what_makes_the_document():
    told = subprocess.run(
        [sys.executable, "-c", SERVED], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == "[]"
