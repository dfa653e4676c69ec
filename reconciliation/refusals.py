"""Why reconciliation says no, as problems a client can act on."""

from foundation.errors import DomainError


class DayNotOver(DomainError):
    """409: a day is compared when it is over, in the time zone of the account."""

    code, status, title = "day_not_over", 409, "The day is not over"


class RunInProgress(DomainError):
    """409: one run of an account at a time."""

    code, status, title = "run_in_progress", 409, "A run of this account is at work"


class BreakNotOpen(DomainError):
    """409: it is settled already, or open already."""

    code, status, title = "break_not_open", 409, "This can not be done with the break now"


class SecondPersonNeeded(DomainError):
    """409: from an amount on, nobody writes off alone."""

    code, status, title = "second_person_needed", 409, "Somebody else must end it"


class NotMatchable(DomainError):
    """422: what is named does not exist, or can not belong together."""

    code, status, title = "not_matchable", 422, "These can not be matched"


class MatchedAlready(DomainError):
    """409: some of it belongs to another match, or the match was taken back already."""

    code, status, title = "matched_already", 409, "This was said otherwise already"


class SumsDiffer(DomainError):
    """409: the two sides are not the same money, and nobody said that the rest may be a break."""

    code, status, title = "sums_differ", 409, "The two sides differ"


class UnknownAccount(DomainError):
    """422: no account of this name is reconciled here."""

    code, status, title = "unknown_account", 422, "No such account"


class AccountWideKeyRequired(DomainError):
    """403: the processor's books are those of the whole shop."""

    code, status, title = "account_wide_key_required", 403, "A key that sees all is required"
