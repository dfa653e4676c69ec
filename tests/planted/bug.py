"""One planted bug: a few characters of one file, and the suite that must find it."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Bug:
    """`before` stands exactly once in `file` and becomes `after`; then `suite` must fail."""

    name: str
    file: str
    before: str
    after: str
    suite: str  # what pytest is told

    def plant(self, tree: Path) -> None:
        """Put the bug into a copy of the project. Raises `ValueError` when it does not fit."""
        place = tree / self.file
        text = place.read_text()
        if text.count(self.before) != 1:
            raise ValueError(f"{self.name}: the text stands {text.count(self.before)} times")
        place.write_text(text.replace(self.before, self.after))

    def weed(self, tree: Path) -> None:
        """Make the copy as it was."""
        (tree / self.file).write_text((ROOT / self.file).read_text())
