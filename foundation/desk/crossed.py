"""The limits that are crossed now, as a table on the pages of those whom they concern."""

from foundation.desk.sections import Table
from foundation.desk.staff import when
from foundation.models import Crossing


def crossed(prefix: str) -> Table:
    """Of the rules whose names begin so, the oldest first."""
    rows = Crossing.objects.filter(rule__startswith=prefix, ended_at=None).order_by("began_at")
    return Table(
        "Limits crossed",
        ("Rule", "Of", "Value", "Limit", "Since"),
        [
            (row.rule.removeprefix(prefix).replace("_", " "), row.subject, f"{row.value:g}",
             f"{row.most:g}", when(row.began_at))
            for row in rows
        ],
        numbers=("Value", "Limit"),
        empty="No number is over its limit.",
    )  # fmt: skip
