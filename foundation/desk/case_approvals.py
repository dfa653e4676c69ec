"""What about a case takes two above an amount: verbs that move money, and giving it up."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.conf import settings

from foundation import approvals, cases
from foundation.approvals import Verb
from foundation.case_kinds import CaseKind
from foundation.desk.four_eyes import Wish
from foundation.models import Approval, Case
from foundation.money import Money

HANDLE: Final = "foundation.handle_case"
CLOSE: Final = "close"


def permission(case: Case, verb: str) -> str:
    """What it takes to have this done about it."""
    known = cases.kind_of(case.kind).verbs.get(verb)
    return (known and known.permission) or HANDLE


def wish(case: Case, verb: str) -> Wish:
    """Of one person, with the money that is at stake, if the verb has to do with it."""
    known = cases.kind_of(case.kind).verbs.get(verb)
    is_about_money = verb == CLOSE or (known is not None and known.moves_money)
    is_at_stake = is_about_money and case.amount is not None
    stake = Money(case.amount or 0, case.currency) if is_at_stake else None
    return Wish(_name(case.kind, verb), "case", case.pk, stake)


def _name(kind: str, verb: str) -> str:
    return f"case.{verb}" if verb == CLOSE else f"case.{kind}.{verb}"


def _stands(case_id: uuid.UUID) -> list[Any]:
    case = Case.objects.get(pk=case_id)
    return [case.state, case.amount, case.currency]


def _do(verb: str, approval: Approval) -> str:
    given = {"by": approval.asked_by, "reason": approvals.told_reason(approval)}
    if verb == CLOSE:
        cases.close(approval.aggregate_id, **given)
        return "Closed."
    return cases.act(approval.aggregate_id, verb=verb, **given)


def _was_done(approval: Approval) -> bool:
    """What is done about a case is on record before it is begun: over is only what ended it."""
    is_open = Case.objects.filter(pk=approval.aggregate_id, state="open").exists()
    return not is_open and approvals.on_record(approval, [approval.aggregate_id])


def register(kinds: Mapping[str, CaseKind]) -> None:
    """What of these another person may be asked to approve."""
    for kind, what in kinds.items():
        for name, verb in what.verbs.items():
            if verb.moves_money:
                text = f"{name.capitalize()}: {kind.replace('_', ' ')}"
                done = Verb(text, verb.permission or HANDLE, _stands, partial(_do, name), _was_done)
                approvals.register(_name(kind, name), done)
    close = Verb("Close the case", HANDLE, _stands, partial(_do, CLOSE), _was_done)
    approvals.register(_name("", CLOSE), close)


register(settings.CASE_KINDS)
