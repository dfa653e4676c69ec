"""Voiding many payments at once: asked once, worked one by one, told one by one."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from foundation import approvals
from foundation.desk import confirm
from foundation.desk.confirm import Question, ReasonForm
from foundation.desk.sections import Facts, Table
from foundation.desk.staff import PageAdmin, badge, link, page_of, stamp, when, who
from foundation.money import Money
from orders import bulk
from orders.models import BulkRun, Order

ACTION = "void_payments"
_VERB = "Void"


class BulkForm(ReasonForm):
    """The reason, and which orders; posted back to the list, as its actions are."""

    action = forms.CharField(widget=forms.HiddenInput)
    _selected_action = forms.CharField(widget=forms.MultipleHiddenInput)


def ask_or_begin(
    page: PageAdmin, request: HttpRequest, chosen: QuerySet[Order]
) -> HttpResponse | None:
    """The page that asks; or, sent from it, the run begun. None: back to the list."""
    orders = list(chosen.select_related("payment").order_by("pk")[: bulk.ROWS_MAX + 1])
    if len(orders) > bulk.ROWS_MAX:
        messages.error(request, f"Nothing was done: choose at most {bulk.ROWS_MAX} at once.")
        return None
    if large := [order for order in orders if approvals.takes_two(_held(order))]:
        numbers = ", ".join(order.public_number for order in large[:20])
        text = f"Nothing was done: {numbers} take two people each. Void them on their own pages."
        messages.error(request, text)
        return None
    seen: dict[str, Any] = {"verb": ACTION, "seen": [str(order.pk) for order in orders]}
    sent = "token" in request.POST
    form = _form(request, orders, confirm.token(request, **seen), sent=sent)
    if sent and not confirm.fits(request, request.POST["token"], **seen):
        messages.error(request, "Nothing was done: the form is out of date. Choose again.")
        return None
    if not (sent and form.is_valid()):
        return confirm.ask(request, _context(page, request), _question(orders), form)
    payments = [order.payment_id for order in orders]
    run = bulk.begin(payments, by=who(request), reason=form.cleaned_data["reason"])
    messages.success(request, f"{len(payments)} payments are being voided, one by one.")
    return HttpResponseRedirect(page_of("bulkrun", run.pk))


def _held(order: Order) -> Money:
    return Money(order.payment.capturable, order.currency)


def _form(request: HttpRequest, orders: list[Order], token: str, *, sent: bool) -> BulkForm:
    form = BulkForm(request.POST if sent else None, initial={"token": token, "action": ACTION})
    form.initial["_selected_action"] = [str(order.pk) for order in orders]
    return form


def _question(orders: list[Order]) -> Question:
    held: dict[str, int] = {}
    for order in orders:
        held[order.currency] = held.get(order.currency, 0) + order.payment.capturable
    total = ", ".join(str(Money(amount, currency)) for currency, amount in sorted(held.items()))
    numbers = ", ".join(order.public_number for order in orders[:20])
    more = f" and {len(orders) - 20} more" if len(orders) > 20 else ""
    return Question(
        verb=_VERB,
        text=f"Void the payments of {len(orders)} orders?",
        facts=Facts("", [("Orders", numbers + more), ("Held in all", total)]),
        consequence=(
            f"Holds of {total} are released, one by one, and each order is canceled with it. What"
            " is captured already, or in other hands, is left alone and told of. This can not be"
            " undone."
        ),
    )


def _context(page: PageAdmin, request: HttpRequest) -> dict[str, Any]:
    return {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "row": "orders",
        "row_url": request.get_full_path(),
        "media": page.media,
    }


@admin.register(BulkRun)
class BulkRunAdmin(PageAdmin):
    """Runs, and what became of each payment."""

    list_display = ("name", "state_badge", "size", "actor", "created")
    list_filter = ("created_at",)
    search_help_text = "Who began it."
    by_text: ClassVar = ("actor",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkRun]:
        """With what the list shows of their rows."""
        pending = Count("rows", filter=Q(rows__state="pending"))
        runs: QuerySet[BulkRun] = super().get_queryset(request)
        return runs.annotate(size_now=Count("rows"), pending_now=pending)

    @admin.display(description="run")
    def name(self, row: BulkRun) -> str:
        """When it was begun, which is its name."""
        return str(row)

    @admin.display(description="state")
    def state_badge(self, row: Any) -> str:
        """Whether every row has a result."""
        return badge("pending" if row.pending_now else "completed")

    @admin.display(description="payments")
    def size(self, row: Any) -> int:
        """How many were chosen."""
        return int(row.size_now)

    @admin.display(description="created (UTC)", ordering="created_at")
    def created(self, row: BulkRun) -> str:
        """When it was asked for."""
        return stamp(row.created_at)

    def sections(self, row: BulkRun) -> list[Any]:
        """Who, why, how far; then a result for each payment."""
        rows = row.rows.select_related("payment").order_by("position")
        states = [each.state for each in rows]
        facts = [
            ("By", row.actor),
            ("Because", row.reason),
            ("Asked for", when(row.created_at)),
            *((word, states.count(word)) for word in ("done", "refused", "pending")),
        ]
        return [Facts("Run", facts), _results(rows)]


def _results(rows: Any) -> Table:
    return Table(
        "Results",
        ("No.", "Payment", "Amount", "State", "Result", "Ended"),
        [
            (
                each.position,
                link(page_of("payment", each.payment_id), each.payment.reference),
                Money(each.payment.amount, each.payment.currency),
                badge(each.state),
                each.result,
                when(each.ended_at),
            )
            for each in rows
        ],
        numbers=("No.", "Amount"),
    )
