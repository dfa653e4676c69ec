"""Schemathesis tries every operation of the document on the real application, over HTTP.

Its four phases: the document's examples, the edges of its shapes, what a generator thinks of, and
sequences in which one answer's id is the next request's. Whatever it sends, no answer is a 5xx,
none is of a status or a kind that the document does not name, each has the shape that stands
there, an unknown method is a 405 with `Allow`, and a required header is required.
"""

import json
import os
import subprocess
import sys

import pytest

from checkout_project.openapi.views import document
from tests import builders
from tests.api.world import a_world, an_endpoint

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
pytestmark = pytest.mark.timeout(400)
KINDS = {
    "checkouts": "chk", "orders": "ord", "payments": "pay", "fulfillments": "ful",
    "refunds": "rfd", "disputes": "dsp", "settlements": "set", "reconciliation-runs": "run",
    "reconciliation-breaks": "brk", "webhook-endpoints": "whe", "events": "evt",
    "deliveries": "dlv", "reconciliation-matches": "rmt",
}  # fmt: skip
SECONDS = 70
SECONDS_OF_SEQUENCES = 40
EXAMPLES_EACH = 15


def pointed_at(known):
    """The committed document, with ids that exist next to those that do not."""
    found = json.loads(document())
    for path, operations in found["paths"].items():
        kind = KINDS.get(path.removeprefix("/v1/").partition("/")[0])
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                if parameter.get("in") == "path" and parameter["name"] == "id":
                    nobodys = f"{kind}_{'a' * 28}"
                    # What is taken away is not what the others look at.
                    there = known["spare"] if method == "delete" else known[kind]
                    parameter["schema"] = {"enum": [there, nobodys]}
                if parameter.get("name") == "sku":
                    parameter["schema"] = {"enum": ["MUG-BLUE", "NO-SUCH-MUG"]}
    return found


@pytest.fixture
def key(api):
    """A key that may do everything, and sees everything."""
    _, key = builders.a_client(sees_all=True)
    return key


def tried(document, *, at, key, folder, seconds, phases="examples,coverage,fuzzing", only=()):
    """One run of Schemathesis, as a process of its own."""
    file = folder / "openapi.json"
    file.write_text(json.dumps(document))
    return subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", str(file), "--url", at,
            "--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS),
            "--phases", phases, "--max-time", str(seconds),
            "--max-examples", str(EXAMPLES_EACH), "--seed", "1", "--no-shrink",
            "--exclude-path-regex", "^/(livez|readyz|metrics)$", "--suppress-health-check", "all",
            "--request-timeout", "30", "--warnings", "off", *only,
        ],
        check=False, cwd=folder, env=os.environ | {"NO_COLOR": "1"}, timeout=seconds + 150,
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture
def unlimited(settings):
    """Nobody is told to wait: that would be all that is ever heard."""
    settings.RATE_LIMIT_KEY = settings.RATE_LIMIT_FAILURES = None
    settings.WEBHOOK_ENDPOINTS_MAX = 1000  # as many as it can make


def test_whatever_is_sent_the_answer_is_one_that_the_document_names(
    live_server, api, key, tmp_path, unlimited
):
    done = tried(
        pointed_at(a_world(api) | {"spare": an_endpoint(api)}),
        at=live_server.url,
        key=key,
        folder=tmp_path,
        seconds=SECONDS,
    )

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    for phase in ("Examples", "Coverage", "Fuzzing"):
        assert f"{phase} (in" in done.stdout, done.stdout[-5_000:]


def test_one_answer_leads_to_the_next_request(live_server, api, key, tmp_path, unlimited):
    """What was made is read, changed and undone, in orders that nobody wrote down."""
    done = tried(
        pointed_at(a_world(api) | {"spare": an_endpoint(api)}), at=live_server.url, key=key,
        folder=tmp_path, seconds=SECONDS_OF_SEQUENCES, phases="stateful",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "Stateful (in" in done.stdout, done.stdout[-5_000:]


def test_control_an_answer_that_the_document_does_not_name_is_found(
    live_server, api, key, tmp_path, unlimited
):
    found = pointed_at(a_world(api) | {"spare": an_endpoint(api)})
    del found["paths"]["/v1/orders/{id}"]["get"]["responses"]["404"]

    done = tried(
        found, at=live_server.url, key=key, folder=tmp_path, seconds=20,
        only=["--include-operation-id", "get_order"],
    )  # fmt: skip

    assert done.returncode == 1
    assert "Undocumented status code" in done.stdout
