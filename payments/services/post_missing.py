"""Entries for steps that a process of a release before the ledger wrote down without one.

While a deployment replaces processes, an old one may still append a step after the migration
gave every step its entry. `manage.py post_missing_entries` is run once when the last is gone.
"""

from typing import Final

from django.db.models import Exists, OuterRef

from foundation import rows
from foundation.transactions import durable
from payments.models import LedgerLine, PaymentTransaction
from payments.services.journal import lines_of

_BATCH: Final = 200


def post_missing() -> int:
    """Post what is missing, a batch a transaction; returns how many entries. A repeat posts none.

    Two at once do no harm: an entry can be there only once, and the slower one raises
    `IntegrityError`.
    """
    posted = 0
    while steps := _without_entry():
        with durable():
            rows.insert(*(line for step in steps for line in lines_of(step)))
        posted += len(steps)
    return posted


def _without_entry() -> list[PaymentTransaction]:
    entry = LedgerLine.objects.filter(entry=OuterRef("pk"))
    succeeded = PaymentTransaction.objects.filter(succeeded=True, amount__gt=0)
    return list(succeeded.filter(~Exists(entry)).order_by("pk")[:_BATCH])
