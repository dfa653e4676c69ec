"""Where the settings stand: settings.py, and the files whose names it takes as its own."""

import re
from pathlib import Path

_HOME = Path(__file__).parents[2] / "checkout_project"


def source() -> str:
    """All of them, one after the other."""
    first = (_HOME / "settings.py").read_text()
    others = re.findall(r"^from checkout_project\.(\w+) import \*", first, flags=re.MULTILINE)
    return "\n".join([first, *((_HOME / f"{name}.py").read_text() for name in others)])
