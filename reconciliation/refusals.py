"""Why reconciliation says no, as problems a client can act on."""

from foundation.errors import DomainError


class DayNotOver(DomainError):
    """409: a day is compared when it is over, in the time zone of the account."""

    code, status, title = "day_not_over", 409, "The day is not over"


class RunInProgress(DomainError):
    """409: one run of an account at a time."""

    code, status, title = "run_in_progress", 409, "A run of this account is at work"
