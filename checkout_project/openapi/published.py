"""Every file that is made from the document, by its path in the project."""

from typing import Final

from checkout_project.openapi.collection import collection
from checkout_project.openapi.document import build, written
from checkout_project.openapi.reference import page

DOCUMENT: Final = "docs/openapi.json"
REFERENCE: Final = "docs/api-reference.md"
COLLECTION: Final = "docs/collection"


def published() -> dict[str, str]:
    """Path → text."""
    document = build()
    files = {f"{COLLECTION}/{name}": text for name, text in collection(document).items()}
    return {DOCUMENT: written(document), REFERENCE: page(document), **files}
