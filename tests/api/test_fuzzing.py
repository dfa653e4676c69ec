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
KINDS = {
    "checkouts": "chk", "orders": "ord", "payments": "pay", "fulfillments": "ful",
    "refunds": "rfd", "disputes": "dsp", "settlements": "set", "reconciliation-runs": "run",
    "reconciliation-breaks": "brk", "webhook-endpoints": "whe", "events": "evt",
    "deliveries": "dlv",
}  # fmt: skip
SECONDS = 100
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


@pytest.mark.xdist_group("schemathesis")
def test_whatever_is_sent_the_answer_is_one_that_the_document_names(
    live_server, api, key, tmp_path, settings
):
    settings.RATE_LIMIT_KEY = settings.RATE_LIMIT_FAILURES = None
    settings.WEBHOOK_ENDPOINTS_MAX = 1000  # as many as it can make
    known = a_world(api) | {"spare": an_endpoint(api)}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(pointed_at(known)))

    tried = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", str(file), "--url", live_server.url,
            "--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS),
            "--phases", "examples,coverage,fuzzing,stateful", "--max-time", str(SECONDS),
            "--max-examples", str(EXAMPLES_EACH), "--seed", "1", "--no-shrink",
            "--exclude-path-regex", "^/(livez|readyz|metrics)$", "--suppress-health-check", "all",
            "--request-timeout", "30", "--warnings", "off",
        ],
        check=False, cwd=tmp_path, env=os.environ | {"NO_COLOR": "1"}, timeout=SECONDS * 2.5,
        capture_output=True, text=True,
    )  # fmt: skip

    assert tried.returncode == 0, tried.stdout[-20_000:] + tried.stderr[-2_000:]
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert phase in tried.stdout
