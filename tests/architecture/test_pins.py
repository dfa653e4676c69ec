"""Every package is pinned exactly, says what it is for, and is locked by hash."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)(\[[\w,]+\])?==(?P<version>[\w.]+)\s+# (?P<why>\S.+)$")
LOCKED = re.compile(r"^(?P<name>[a-z0-9-]+)(\[[\w,]+\])?==(?P<version>[\w.]+)(?P<rest>.*)$")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    found = [PIN.match(line) for line in lines if line and not line.startswith("#")]
    assert all(found), "a line of requirements.txt is not `name==version  # what it is for`"
    return {canonical(match["name"]): match["version"] for match in found if match}


def locked() -> dict[str, tuple[str, int]]:
    """Name to version and the number of hashes."""
    found: dict[str, tuple[str, int]] = {}
    name = ""
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        match = LOCKED.match(line)
        if match:
            name = match["name"]
            found[name] = (match["version"], 0)
        found.update(
            {name: (found[name][0], found[name][1] + line.count("--hash=sha256:"))} if name else {}
        )
    return found


def test_every_requirement_is_an_exact_pin_that_says_what_it_is_for():
    assert len(pinned()) > 10


def test_every_pin_is_locked_at_the_same_version():
    versions = {name: version for name, (version, _) in locked().items()}
    assert {name: versions.get(name) for name in pinned()} == pinned()


def test_everything_locked_has_a_hash():
    assert [name for name, (_, hashes) in locked().items() if hashes == 0] == []


def test_the_lock_names_no_address_and_no_place_on_a_machine():
    odd = [
        line
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if "://" in line or re.search(r"(^|[\s=])/", line) or line.startswith("-")
    ]
    assert odd == []


def imported() -> set[str]:
    """The top-level names that the project's own code imports from elsewhere."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."]
    files = [*ROOT.glob("*.py"), *(file for folder in folders for file in folder.rglob("*.py"))]
    found = {name for file in files for name in imports_of(file)}
    ours = {folder.name for folder in folders} | {file.stem for file in ROOT.glob("*.py")}
    return found - ours - set(sys.stdlib_module_names)


def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_everything_imported_is_locked_and_not_just_there_by_chance():
    providers = packages_distributions()
    known = locked().keys()
    loose = {
        name for name in imported() if not {canonical(by) for by in providers.get(name, [])} & known
    }
    assert loose == set(), "add it to requirements.txt, then: make lock"
