"""The documents say what is: held against the code, so that neither moves without the other."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from django.urls import URLPattern, get_resolver

from events.catalogue import CATALOGUE
from tests.architecture import settings_files

ROOT = Path(__file__).resolve().parents[2]
HOUSE = (
    "checkout_project", "orders", "payments", "attribution", "reconciliation", "events",
    "foundation",
)  # fmt: skip
TOP = "|".join([*HOUSE, "sandbox_processor", "tests", "docs", "benchmarks"])
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
PARTS = ("Context", "Decision", "Consequences", "Alternatives considered", "Enforced by")


def text(name):
    return (ROOT / name).read_text()


def table_rows(name):
    """The cells of every table row of a document."""
    lines = [line for line in text(name).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def problem_codes():
    """Every refusal's code with its status (None: inherited), from the classes that state them."""
    for folder in HOUSE:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ClassDef):
                    yield from _stated(node)


def _stated(class_node):
    for statement in class_node.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Tuple):
            continue
        names = [name.id for name in statement.targets[0].elts]
        if names[0] == "code":
            stated = dict(zip(names, ast.literal_eval(statement.value), strict=True))
            yield stated["code"], stated.get("status")


def settings_variables():
    return sorted(set(re.findall(r"\b_?env\.\w+\(\s*\"([A-Z0-9_]+)\"", settings_files.source())))


def paths(patterns=None, before="/"):
    """Every path of the service, in the form that the documents use; the admin's as one."""
    for entry in patterns or get_resolver("checkout_project.urls").url_patterns:
        path = before + re.sub(r"<str:\w+>", "{id}", str(entry.pattern))
        if path == "/admin/" or isinstance(entry, URLPattern):
            yield path
        else:
            yield from paths(entry.url_patterns, path)


def test_every_event_is_documented_and_no_other():
    documented = {row[0].strip("`") for row in table_rows("docs/events.md")} - {"Type"}

    assert documented == set(CATALOGUE)


def test_every_chain_of_the_switchboard_is_named_where_its_event_is(settings):
    rows = {row[0].strip("`"): row for row in table_rows("docs/events.md")}
    for event, chains in settings.EVENT_ROUTES.items():
        for chain in chains:
            assert chain.rpartition(".")[2] in rows[event][3]


def test_every_problem_code_is_documented_with_its_status():
    documented = {row[0].strip("`"): row[1] for row in table_rows("docs/api.md")}
    codes = dict(problem_codes())

    assert len(codes) > 20
    for code, status in codes.items():
        assert code in documented, code
        assert documented[code] == str(status or 422), code


def test_every_documented_problem_code_exists():
    table = text("docs/api.md").partition("| Code | Status |")[2]
    documented = re.findall(r"^\| `(\w+)` \| \d{3} \|", table, re.MULTILINE)

    assert documented
    assert set(documented) == {code for code, _ in problem_codes()}


def test_every_variable_that_the_settings_read_is_documented():
    documented = set(re.findall(r"`([A-Z0-9_]+)`", text("docs/operations.md")))
    variables = settings_variables()

    assert len(variables) > 30
    assert set(variables) <= documented


def test_every_path_is_documented():
    documented = {row[0].strip("`") for row in table_rows("docs/api.md")}
    served = set(paths())

    assert {"/v1/checkouts", "/livez", "/admin/"} <= served
    assert served <= documented
    assert {path for path in documented if path.startswith("/")} <= served


def test_every_prefix_of_a_public_id_is_documented():
    of_staff = {"apr"}  # an approval is shown in the admin only
    used = {
        prefix
        for folder in HOUSE
        for file in (ROOT / folder).rglob("*.py")
        for prefix in re.findall(r"\bpublic\(\"([a-z]+)\"", file.read_text())
    }
    (line,) = re.findall(r"Ids are a prefix and 28 letters: `([a-z_ ]+)`", text("docs/api.md"))

    assert {"ord", "pay", "evt"} <= used
    assert used - of_staff == {prefix.rstrip("_") for prefix in line.split()}


def test_every_periodic_job_is_documented(settings):
    documented = {row[0] for row in table_rows("docs/operations.md")}

    assert set(settings.CELERY_BEAT_SCHEDULE) <= documented


def test_everything_that_may_be_down_names_its_test():
    """Fail open, fail closed: a row of the table without a test that exists is a wish."""
    section = text("docs/operations.md").partition("## When something is down")[2]
    table = section.partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    written = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    named = [re.findall(r"`(test_\w+)`", row) for row in rows]

    assert len(rows) >= 14
    assert [row for row, tests in zip(rows, named, strict=True) if not tests] == []
    assert [test for tests in named for test in tests if f"def {test}(" not in written] == []


def test_every_kind_of_case_is_documented(settings):
    documented = {row[0].strip("`") for row in table_rows("docs/operations.md")}

    assert set(settings.CASE_KINDS) <= documented


def test_everything_that_the_map_of_the_house_names_exists():
    house = text("README.md").partition("## Map of the house")[2].partition("\n## ")[0]
    files = re.findall(r"`([\w./-]+/[\w./-]+\.\w+)`", house)

    assert len(files) > 20
    assert [file for file in files if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_names_or_links_to_exists(document):
    written = document.read_text()
    linked = [document.parent / to for to in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", written)]
    named = re.findall(rf"`((?:{TOP})/[\w./-]+\.\w+)`", written)

    assert [str(path) for path in linked if not path.exists()] == []
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_decisions_are_numbered_one_after_the_other_and_have_every_part():
    numbers = [int(file.name[:4]) for file in DECISIONS]

    assert numbers == list(range(1, len(DECISIONS) + 1))
    for number, file in zip(numbers, DECISIONS, strict=True):
        written = file.read_text()
        assert written.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", written, re.MULTILINE) == list(PARTS)


def test_the_readme_names_the_two_commands_and_ci_runs_its_test_command():
    start = text("README.md").partition("## Start")[2].partition("\n## ")[0]

    assert re.findall(r"^make \w+", start, re.MULTILINE) == ["make demo", "make test"]
    assert "\nmake test\n" in text(".ci/run")


def test_every_make_target_that_a_document_names_exists():
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    for document in DOCUMENTS:
        named = set(re.findall(r"`make ([a-z]+)", document.read_text()))
        assert named <= targets, document


def test_the_newest_change_is_the_version():
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]

    assert re.findall(r"^## (\S+)", text("CHANGELOG.md"), re.MULTILINE)[0] == version
