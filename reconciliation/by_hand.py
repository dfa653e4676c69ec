"""What a person says belongs together, where no id says it: from now on one sum on each side.

    break ── the processor's id it is about, and more of such ids ─┐
                                                                   ├─ one key, compared as one
    payments of ours ──────────────────────────────────────────────┘

The breaks that are none any more end by it; what still differs is a break of its own. Every later
run compares it so, until somebody takes it back: then its breaks are open again. Nothing here
moves money, and from an amount on it takes two.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import Q

from foundation import audit, clock
from foundation.errors import NotFound
from foundation.ids import new_id
from payments.models import Payment
from reconciliation import books, breaks, handling, pairing, runs, verdicts
from reconciliation.models import (
    Match,
    MatchMember,
    ReconciliationBreak,
    SettlementLine,
    Unmatch,
)
from reconciliation.pairing import Group
from reconciliation.refusals import BreakNotOpen, MatchedAlready, NotMatchable, SumsDiffer
from reconciliation.states import UNSETTLED
from reconciliation.window import Window

MEMBERS_MAX: Final = 100
_FIGURES: Final = ("captured", "refunded", "disputed", "fee")
_LOOKED_FOR_ELSEWHERE: Final = (*books.OF_ORDERS, books.PAYOUTS, verdicts.LATE)


@dataclass(frozen=True)
class Claim:
    """That the break's lines, and those of `references`, belong to `payments`, and why.

    `keeps_difference`: what the sums differ by may be a break of its own.
    """

    payments: Sequence[uuid.UUID]
    reason: str
    references: Sequence[str] = ()
    keeps_difference: bool = False


@dataclass(frozen=True)
class Seen:
    """Both sides of a claim, and the breaks that end by it."""

    group: Group
    ours: dict[str, Any]
    theirs: dict[str, Any]
    currency: str
    is_even: bool
    ends: list[ReconciliationBreak]

    @property
    def difference(self) -> int:
        """Taken there less taken here, in minor units."""
        return int(self.theirs["captured"]) - int(self.ours["captured"])


def match(
    break_id: uuid.UUID, claim: Claim, *, by: str, operation_id: uuid.UUID | None = None
) -> Match:
    """Say so, in the caller's transaction. `operation_id`: of the request that asks.

    Raises `BreakNotOpen`, `NotMatchable`, `MatchedAlready`, `SumsDiffer`, `SecondPersonNeeded`,
    and `RunInProgress` while books are compared.
    """
    row = handling.locked(break_id)
    seen = look(row, claim)
    if not seen.is_even and not claim.keeps_difference:
        raise SumsDiffer(
            "Say that the difference may stay a break, or name all that belongs to it.",
            ours=seen.ours, theirs=seen.theirs,
        )  # fmt: skip
    most = max([row.amount, *(each.amount for each in seen.ends)])
    handling.refuse_alone(row, by=by, amount=most)
    breaks.record(_now(row.account))
    for each in seen.ends:
        handling.settle(each.pk, "resolved", by=by, reason=f"matched by hand: {claim.reason}")
    made = _write(row, seen, claim, by=by, operation_id=operation_id or new_id())
    _on_record(made, "match", by=by, reason=claim.reason)
    return made


def look(row: ReconciliationBreak, claim: Claim) -> Seen:
    """Both sides and what would end, nothing written. Raises like `match`. In a transaction."""
    if row.state not in UNSETTLED:
        raise BreakNotOpen(f"It is {row.state.replace('_', ' ')}.", status_now=row.state)
    runs.lock(row.account)
    group = _group(row, claim)
    window = _now(row.account)
    pair = pairing.pair_group(window, group)
    verdicts.judge(window, runs.configured_grace())
    ours, theirs = (
        {name: pair[f"{whose}_{name}"] for name in _FIGURES} for whose in ("our", "their")
    )
    is_even = pair["is_comparable"] and ours == theirs
    return Seen(group, ours, theirs, pair["currency"], is_even, _ended(row.account, group))


def unmatch(
    match_id: uuid.UUID, *, by: str, reason: str, operation_id: uuid.UUID | None = None
) -> Match:
    """Take it back, in the caller's transaction: what ended by it is open again.

    Raises `NotFound`, `MatchedAlready` when it was taken back before, and `RunInProgress`.
    """
    row = Match.objects.filter(pk=match_id).first()
    if row is None:
        raise NotFound("There is no such match.")
    runs.lock(row.account)
    if Unmatch.objects.filter(match=row).exists():
        raise MatchedAlready("It was taken back before.")
    Unmatch.objects.create(
        match=row, undone_by=by, reason=reason, operation=operation_id or new_id()
    )
    closed = ReconciliationBreak.objects.filter(pk__in=row.closed, state="resolved")
    for each in closed.order_by("pk"):
        handling.open_again(each.pk, by=by, reason=f"the match was taken back: {reason}")
    _on_record(row, "unmatch", by=by, reason=reason)
    return row


def _group(row: ReconciliationBreak, claim: Claim) -> Group:
    """Raises `NotMatchable` for what is not there, `MatchedAlready` for what is spoken for."""
    if not row.processor_reference:
        raise NotMatchable("The break is about no payment at the processor.")
    references = sorted({row.processor_reference, *claim.references})
    of_account = Payment.objects.filter(processor=row.account)
    rows = list(of_account.filter(Q(pk__in=claim.payments) | Q(processor_reference__in=references)))
    if missing := set(claim.payments) - {payment.pk for payment in rows}:
        raise NotMatchable(f"{len(missing)} of the payments are not of {row.account}.")
    if not rows or len(rows) + len(references) > MEMBERS_MAX:
        raise NotMatchable(f"At least one payment, and at most {MEMBERS_MAX} of all.")
    if len({payment.currency for payment in rows}) > 1:
        raise NotMatchable("The payments are of several currencies.")
    _refuse_untold(row.account, references)
    everything = {*references, *(payment.processor_reference for payment in rows)} - {""}
    payments = tuple(sorted(payment.pk for payment in rows))
    _refuse_spoken_for(everything, payments)
    return Group(row.processor_reference, tuple(sorted(everything)), payments)


def _refuse_untold(account: str, references: list[str]) -> None:
    told = set(
        SettlementLine.objects.filter(account=account, processor_reference__in=references)
        .values_list("processor_reference", flat=True)
        .distinct()
    )
    known = Payment.objects.filter(processor=account, processor_reference__in=references)
    told |= set(known.values_list("processor_reference", flat=True))
    if unknown := sorted(set(references) - told):
        raise NotMatchable(f"Nothing was told of {unknown[0]}.")


def _refuse_spoken_for(references: set[str], payments: tuple[uuid.UUID, ...]) -> None:
    spoken_for = MatchMember.objects.filter(match__undone=None).filter(
        Q(processor_reference__in=references) | Q(payment_id__in=payments)
    )
    if (other := spoken_for.select_related("match").first()) is not None:
        raise MatchedAlready(f"{other} belongs to {other.match.reference}.")


def _ended(account: str, group: Group) -> list[ReconciliationBreak]:
    """Breaks about any of it that are none, when it is compared as one."""
    about = ReconciliationBreak.objects.filter(
        account=account, state__in=UNSETTLED, processor_reference__in=group.references
    ).exclude(kind__in=_LOOKED_FOR_ELSEWHERE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT fingerprint FROM reconciliation_found WHERE NOT is_waiting")
        still = [fingerprint for (fingerprint,) in cursor.fetchall()]
    return list(about.exclude(fingerprint__in=still).order_by("pk"))


def _now(account: str) -> Window:
    """Up to now, and of no day: nothing is late, and all that was ever told counts."""
    now = clock.now()
    return Window(account, now.date(), now, now, now, None, 0)


def _write(
    row: ReconciliationBreak, seen: Seen, claim: Claim, *, by: str, operation_id: uuid.UUID
) -> Match:
    made = Match.objects.create(
        account=row.account, key=seen.group.key, broken=row,
        closed=[str(each.pk) for each in seen.ends], ours=seen.ours, theirs=seen.theirs,
        difference=seen.difference, currency=seen.currency, matched_by=by,
        reason=claim.reason, operation=operation_id,
    )  # fmt: skip
    MatchMember.objects.bulk_create(
        [
            *(MatchMember(match=made, processor_reference=each) for each in seen.group.references),
            *(MatchMember(match=made, payment_id=each) for each in seen.group.payments),
        ]
    )
    return made


def _on_record(row: Match, verb: str, *, by: str, reason: str) -> None:
    audit.record(
        actor=by,
        action=f"break.{verb}",
        aggregate="break",
        aggregate_id=row.broken_id,
        reason=reason,
        before={},
        after={"match": row.reference, "difference": row.difference, "closed": len(row.closed)},
    )
