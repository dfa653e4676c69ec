"""Puts whole objects where an answer names them by id, as `expand[]` asks."""

from sandbox_processor.journal import Journal
from sandbox_processor.payment_methods import as_payment_method, card_of
from sandbox_processor.wire import Doc, Refused

DEEPEST = 4
EXPANDABLE = frozenset(
    {
        "balance_transaction",
        "charge",
        "customer",
        "data",
        "failure_balance_transaction",
        "latest_charge",
        "payment_intent",
        "payment_method",
        "source",
    }
)


def check_expandable(paths: list[str]) -> None:
    """Refuses what cannot be expanded before the operation has any effect."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise Refused("You cannot expand more than 4 levels of a property.", param="expand")
        if not EXPANDABLE.issuperset(steps):
            raise Refused(f"This property cannot be expanded ({path}).", param="expand")


def expand(doc: Doc, *, paths: list[str], journal: Journal) -> Doc:
    """A copy of `doc` with the asked-for objects in place."""
    for path in paths:
        doc = _along(doc, steps=path.split("."), journal=journal)
    return doc


def _along(doc: Doc, *, steps: list[str], journal: Journal) -> Doc:
    name, rest = steps[0], steps[1:]
    value = doc.get(name)
    if value is None:
        return doc
    if isinstance(value, list):
        return {**doc, name: [_along(each, steps=rest, journal=journal) for each in value]}
    if isinstance(value, str):
        value = _load(value, journal=journal)
    if isinstance(value, dict) and rest:
        value = _along(value, steps=rest, journal=journal)
    return {**doc, name: value}


def _load(wanted: str, *, journal: Journal) -> Doc | str:
    if wanted.startswith("pm_card_"):
        return as_payment_method(card_of(wanted))
    return journal.load(wanted) or wanted
