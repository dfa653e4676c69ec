"""What the start page tells of what the foundation keeps: cases, and rules that do not hold."""

from typing import Final

from django.db import connection
from django.urls import reverse

from foundation import clock
from foundation.desk.sections import Waiting

_WAITING: Final = """
    SELECT (SELECT count(*) FROM foundation_case WHERE state = 'open'),
           (SELECT count(*) FROM foundation_case WHERE state = 'open' AND due_at < %s),
           (SELECT count(*) FROM foundation_approval WHERE state = 'pending' AND expires_at > %s),
           (SELECT count(*) FROM foundation_invariantresult WHERE violations > 0 OR error <> '')
"""


def waiting() -> list[Waiting]:
    """Cases, approvals that are asked for, and rules that are broken; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [clock.now()] * 2)
        cases, late, asked, red = cursor.fetchone() or (0, 0, 0, 0)
    desk = reverse("admin:foundation_case_changelist")
    approvals = reverse("admin:foundation_approval_changelist")
    rules = reverse("admin:foundation_invariantresult_changelist")
    return [
        Waiting("open cases", cases, f"{desk}?state=open", "foundation.view_case"),
        Waiting("of them overdue", late, f"{desk}?overdue=yes", "foundation.view_case", "bad"),
        Waiting(
            "approvals to decide", asked, f"{approvals}?state=pending", "foundation.view_approval"
        ),
        Waiting("rules broken", red, f"{rules}?holds=no", "foundation.view_invariantresult", "bad"),
    ]
