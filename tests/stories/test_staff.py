"""Staff see everything and edit nothing; what they move is permitted, reasoned and on record."""

import re
import threading

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from events.models import OutboxEvent
from events.relay import relay_batch
from foundation.models import ApiKey, AuditEntry, IdempotencyKey, Transition
from orders import cancellation, reviews
from orders.models import BlockListEntry, Checkout, Order, Reservation, ShippingRate, StockItem
from payments.models import Payment
from payments.services.capture import capture
from tests import builders

LISTS = [
    "orders_order", "orders_checkout", "orders_product", "orders_stockitem", "orders_reservation",
    "orders_taxrate", "orders_shippingrate", "orders_blocklistentry", "payments_payment",
    "payments_ledgerline",
    "foundation_idempotencykey", "foundation_transition", "foundation_auditentry",
    "foundation_apiclient", "foundation_apikey", "events_outboxevent", "payments_dispute",
    "payments_processorevent",
]  # fmt: skip
READ_ONLY = [name for name in LISTS if not re.search("rate$|blocklist", name)]
STATEMENTS_PER_LIST_MAX = 6  # session, user, count, rows, one prefetch, and one to spare


class Staff:
    """A browser of somebody who is logged in."""

    def __init__(self, user):
        self.user = user
        self.client = Client(raise_request_exception=False)
        self.client.force_login(user)

    def get(self, route, *args, **query):
        return self.client.get(reverse(f"admin:{route}", args=args), query)

    def page(self, route, *args, **query):
        reply = self.get(route, *args, **query)
        assert reply.status_code == 200, reply.content
        return reply.content.decode()

    def form(self, route, row):
        """The hidden token of a form, as a browser would hold it."""
        return re.search(r'name="token" value="([^"]+)"', self.page(route, row.pk))[1]

    def send(self, route, row, **fields):
        """POST a form and return the page it leads to, with its messages."""
        reply = self.client.post(reverse(f"admin:{route}", args=[row.pk]), fields)
        if reply.status_code != 302:
            return reply.status_code, reply.content.decode()
        return 302, self.client.get(reply["Location"]).content.decode()

    def void(self, payment, reason="customer asked"):
        token = self.form("payments_payment_void", payment)
        return self.send("payments_payment_void", payment, token=token, reason=reason)

    def decide(self, verb, checkout, reason="called the customer"):
        route = f"orders_checkout_{verb}"
        return self.send(route, checkout, token=self.form(route, checkout), reason=reason)


def somebody(name, *codenames):
    """Staff who may view everything, and do what is named."""
    user = User.objects.create_user(name, password="x", is_staff=True)
    granted = Permission.objects.filter(codename__startswith="view_")
    user.user_permissions.set([*granted, *Permission.objects.filter(codename__in=codenames)])
    return Staff(user)


@pytest.fixture
def ana(shop):
    """May void payments and decide reviews."""
    return somebody("ana", "void_payment", "review_checkout")


@pytest.fixture
def ben(shop):
    """The same permissions, another person."""
    return somebody("ben", "void_payment", "review_checkout")


@pytest.fixture
def viewer(shop):
    """May only look."""
    return somebody("viewer")


@pytest.fixture
def root(shop):
    """A superuser."""
    return Staff(User.objects.create_superuser("root", password="x"))


@pytest.fixture
def an_order(api):
    """A placed order with a held payment: two mugs, 42.98 USD."""
    assert api.checkout().status_code == 201
    return Order.objects.select_related("payment", "checkout").get()


@pytest.fixture
def a_review(api):
    """A checkout that waits for a person: billed to another country than it ships to."""
    reply = api.checkout(in_review())
    assert (reply.status_code, reply.json()["status"]) == (202, "in_review")
    return Checkout.objects.select_related("payment").get()


def in_review():
    address = {"line1": "Weg 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
    return builders.a_purchase(billing_address=address)


def run_events():
    """The relay, with the chains' work done here and now."""

    def carry_out(event):
        if event.type == "payment.voided":
            cancellation.cancel_for_void(event.payload["payment_id"])

    while relay_batch(limit=50, send=carry_out):
        pass


def at_once(*acts):
    """Run all at the same moment, each with a connection of its own; their results in order."""
    start, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(position, act):
        try:
            start.wait(10)
            results[position] = act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def releases(sandbox, payment):
    return sandbox.effects(payment.reference, "cancel")


# --- voiding ---------------------------------------------------------------------------


def test_a_void_without_the_permission_is_refused_and_changes_nothing(viewer, an_order, sandbox):
    payment = an_order.payment
    url = reverse("admin:payments_payment_void", args=[payment.pk])

    assert viewer.client.get(url).status_code == 403
    assert viewer.client.post(url, {"reason": "because"}).status_code == 403
    assert url not in viewer.page("payments_payment_change", payment.pk)
    assert url not in viewer.page("orders_order_change", an_order.pk)
    payment.refresh_from_db()
    assert payment.state == "authorized"
    assert sandbox.holds(payment.reference)


def test_a_void_from_another_site_is_refused(ana, an_order):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana.user)
    token = ana.form("payments_payment_void", an_order.payment)
    url = reverse("admin:payments_payment_void", args=[an_order.payment.pk])

    assert browser.post(url, {"token": token, "reason": "forged"}).status_code == 403
    assert Payment.objects.get().state == "authorized"


def test_a_stranger_is_sent_to_the_login(an_order):
    for route in ("payments_payment_void", "payments_payment_change"):
        reply = Client().get(reverse(f"admin:{route}", args=[an_order.payment.pk]))
        assert reply.status_code == 302
        assert "/admin/login/" in reply["Location"]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_void_needs_a_reason_of_at_most_500_characters(ana, an_order, reason):
    status, page = ana.void(an_order.payment, reason=reason)

    assert status == 422
    assert "errorlist" in page
    assert Payment.objects.get().state == "authorized"
    assert not AuditEntry.objects.exists()


def test_the_question_says_how_much_for_which_order_and_what_follows(ana, an_order):
    page = ana.page("payments_payment_void", an_order.payment.pk)

    assert "The hold of 42.98 USD is released" in page
    assert "the order is canceled and its stock returned" in page
    assert an_order.public_number in page
    assert 'maxlength="500"' in page


def test_a_void_releases_the_hold_and_is_on_record_with_before_and_after(ana, an_order, sandbox):
    status, page = ana.void(an_order.payment, reason="customer asked")

    assert status == 302
    assert "Voided: the hold of 42.98 USD is released" in page
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason) == (
        "staff:ana", "payment.void", "customer asked",
    )  # fmt: skip
    assert entry.aggregate_id == an_order.payment_id
    assert entry.before["state"] == "authorized"
    assert entry.after["state"] == "voiding"
    moves = Transition.objects.filter(aggregate_id=an_order.payment_id, actor="staff:ana")
    assert [move.to_state for move in moves.order_by("id")] == ["voiding", "voided"]
    assert sandbox.holds(an_order.payment.reference) == []


def test_a_void_cancels_the_order_and_returns_its_stock_by_event(ana, an_order):
    ana.void(an_order.payment)

    assert Order.objects.get().state == "placed"
    run_events()

    assert Order.objects.get().state == "canceled"
    assert Reservation.objects.get().state == "released"
    assert StockItem.objects.get().reserved == 0
    page = ana.page("orders_order_change", an_order.pk)
    assert "payment.void" in page
    assert "customer asked" in page


def test_the_same_form_posted_twice_voids_once_and_says_so(ana, an_order, sandbox):
    payment = an_order.payment
    token = ana.form("payments_payment_void", payment)
    ana.send("payments_payment_void", payment, token=token, reason="once")
    asked = len(sandbox.requests())

    status, page = ana.send("payments_payment_void", payment, token=token, reason="twice")

    assert status == 302
    assert "Nothing was done. Its hold is released already." in page
    assert len(sandbox.requests()) == asked
    assert AuditEntry.objects.get().reason == "once"
    assert len(releases(sandbox, payment)) == 1


def test_a_double_click_voids_once(ana, an_order, sandbox):
    payment = an_order.payment
    token = ana.form("payments_payment_void", payment)
    twin = Staff(ana.user)

    at_once(*[
        lambda hand=hand: hand.send("payments_payment_void", payment, token=token, reason="go")
        for hand in (ana, twin)
    ])  # fmt: skip

    assert Payment.objects.get().state == "voided"
    assert AuditEntry.objects.count() == 1
    assert len(releases(sandbox, payment)) == 1


def test_two_staff_at_once_release_the_hold_once_and_the_slower_is_told(
    ana, ben, an_order, sandbox
):
    payment = an_order.payment
    sandbox.fault("cancel", "slow", seconds=0.4)
    tokens = {hand: hand.form("payments_payment_void", payment) for hand in (ana, ben)}

    pages = at_once(*[
        lambda hand=hand: hand.send(
            "payments_payment_void", payment, token=tokens[hand], reason=hand.user.username
        )[1]
        for hand in (ana, ben)
    ])  # fmt: skip

    assert Payment.objects.get().state == "voided"
    assert len(releases(sandbox, payment)) == 1
    assert AuditEntry.objects.count() == 1
    assert sum("Voided: the hold of" in page for page in pages) == 1
    told = ("You changed nothing.", "Nothing was done.")
    assert sum(any(text in page for text in told) for page in pages) == 1


def test_a_token_of_somebody_else_or_of_another_payment_does_not_fit(ana, ben, api, an_order):
    api.checkout()
    other = Payment.objects.exclude(pk=an_order.payment_id).get()
    for token in (
        ben.form("payments_payment_void", an_order.payment),
        ana.form("payments_payment_void", other),
        "forged",
        "",
    ):
        _, page = ana.send("payments_payment_void", an_order.payment, token=token, reason="go")
        assert "Nothing was done." in page
    assert set(Payment.objects.values_list("state", flat=True)) == {"authorized"}


def test_a_captured_payment_can_not_be_voided_and_the_page_says_why(ana, an_order):
    token = ana.form("payments_payment_void", an_order.payment)
    capture(an_order.payment_id, by="system:settlement")
    why = "It was captured. Captured money goes back by a refund."

    page = ana.page("payments_payment_change", an_order.payment_id)
    assert f"It can not be voided. {why}" in page
    assert "/void/" not in page
    status, page = ana.send("payments_payment_void", an_order.payment, token=token, reason="go")
    assert status == 302
    assert why in page
    assert Payment.objects.get().state == "captured"
    assert not AuditEntry.objects.exists()


def test_a_void_whose_answer_is_lost_is_told_as_still_voiding(ana, an_order, sandbox):
    sandbox.fault("cancel", "timeout_after")

    _, page = ana.void(an_order.payment)

    assert "Still voiding: the processor did not confirm." in page
    assert Payment.objects.get().state == "voiding"
    assert AuditEntry.objects.get().actor == "staff:ana"


def test_the_hold_of_a_checkout_in_review_is_not_voided_under_its_feet(ana, a_review):
    page = ana.page("payments_payment_change", a_review.payment_id)

    assert "/void/" not in page
    assert "approve or reject its checkout instead" in page


# --- reviews ---------------------------------------------------------------------------


def test_an_approved_checkout_becomes_one_order_and_completes_the_systems_key(ana, a_review):
    status, page = ana.decide("approve", a_review)

    assert status == 302
    assert "It was approved. The order is placed." in page
    assert Order.objects.get().checkout_id == a_review.pk
    keys = IdempotencyKey.objects.filter(subject_id=a_review.pk, scope="system")
    assert [key.state for key in keys] == ["completed"]
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason) == (
        "staff:ana", "checkout.approve", "called the customer",
    )  # fmt: skip
    assert (entry.before["review_decision"], entry.after["review_decision"]) == ("", "approved")
    assert Reservation.objects.get().state == "committed"


def test_a_rejected_checkout_leaves_nothing_held(ana, a_review, sandbox):
    assert sandbox.holds(a_review.payment.reference)

    _, page = ana.decide("reject", a_review)

    assert "It was rejected. Nothing is held and no order was placed." in page
    assert sandbox.holds(a_review.payment.reference) == []
    assert len(releases(sandbox, a_review.payment)) == 1
    a_review.refresh_from_db()
    assert (a_review.state, a_review.review_decision) == ("compensated", "rejected")
    assert Payment.objects.get().state == "voided"
    assert Reservation.objects.get().state == "released"
    assert StockItem.objects.get().reserved == 0
    assert not Order.objects.exists()
    assert AuditEntry.objects.get(action="checkout.reject").actor == "staff:ana"


def test_two_staff_who_disagree_at_once_make_one_decision(ana, ben, a_review, sandbox):
    approve, reject = (
        hand.form(f"orders_checkout_{verb}", a_review)
        for hand, verb in ((ana, "approve"), (ben, "reject"))
    )

    at_once(
        lambda: ana.send("orders_checkout_approve", a_review, token=approve, reason="fine"),
        lambda: ben.send("orders_checkout_reject", a_review, token=reject, reason="fraud"),
    )

    decision = AuditEntry.objects.get(action__startswith="checkout.")
    a_review.refresh_from_db()
    assert a_review.review_decision == decision.after["review_decision"]
    if a_review.review_decision == "approved":
        assert (a_review.state, Order.objects.count()) == ("completed", 1)
        assert len(sandbox.holds(a_review.payment.reference)) == 1
    else:
        assert (a_review.state, Order.objects.count()) == ("compensated", 0)
        assert sandbox.holds(a_review.payment.reference) == []


def test_a_checkout_that_is_not_in_review_is_refused(ana, an_order):
    with pytest.raises(reviews.NotInReview, match="It is completed"):
        reviews.decide(an_order.checkout_id, approved=False, by="staff:ana", reason="late")

    page = ana.page("orders_checkout_change", an_order.checkout_id)
    assert "/approve/" not in page
    status, page = ana.send("orders_checkout_reject", an_order.checkout, token="", reason="late")
    assert status == 302
    assert "Nothing was done. The order is placed." in page
    assert not AuditEntry.objects.exists()
    assert Payment.objects.get().state == "authorized"


def test_a_decision_needs_the_permission_and_a_reason(viewer, ana, a_review):
    for verb in ("approve", "reject"):
        url = reverse(f"admin:orders_checkout_{verb}", args=[a_review.pk])
        assert viewer.client.get(url).status_code == 403
        assert viewer.client.post(url, {"reason": "x"}).status_code == 403
        assert url not in viewer.page("orders_checkout_change", a_review.pk)
        assert ana.decide(verb, a_review, reason=" ")[0] == 422
    assert Checkout.objects.get().state == "in_review"


def test_a_decision_whose_maker_died_is_carried_out_by_the_sweep(a_review, monkeypatch):
    monkeypatch.setattr(reviews.recovery, "resume", lambda checkout_id: False)
    reviews.decide(a_review.pk, approved=True, by="staff:ana", reason="fine")
    assert not Order.objects.exists()

    assert reviews.recovery.recover_checkouts(limit=10) == 1

    assert Order.objects.get().checkout_id == a_review.pk


def test_an_approval_over_a_hold_that_is_gone_is_refused(a_review):
    Payment.objects.update(state="expired")

    with pytest.raises(reviews.NotInReview, match="Its payment is expired"):
        reviews.decide(a_review.pk, approved=True, by="staff:ana", reason="fine")

    assert Checkout.objects.get().review_decision == ""
    assert not AuditEntry.objects.exists()


def test_the_checkout_page_shows_why_it_is_in_review(ana, a_review):
    page = ana.page("orders_checkout_change", a_review.pk)

    assert "Billed to DE, shipped to US." in page
    assert "/approve/" in page
    assert "/reject/" in page


# --- looking ---------------------------------------------------------------------------


def test_the_order_page_shows_lines_money_shipments_attribution_and_one_timeline(ana, an_order):
    page = ana.page("orders_order_change", an_order.pk)

    for text in (
        "MUG-BLUE", "19.99 USD", "39.98 USD", "3.00 USD", "42.98 USD", an_order.email,
        "newsletter", "Capture before", "authorization", "order.placed", "reserved",
        "payment: authorizing → authorized", an_order.reference, an_order.payment.reference,
        an_order.checkout.reference,
    ):  # fmt: skip
        assert text in page, text
    for route, row in (
        ("orders_checkout", an_order.checkout),
        ("payments_payment", an_order.payment),
    ):
        url = reverse(f"admin:{route}_change", args=[row.pk])
        assert f'href="{url}"' in page
        back = ana.page(f"{route}_change", row.pk)
        assert reverse("admin:orders_order_change", args=[an_order.pk]) in back


def test_a_page_costs_the_same_for_one_line_and_for_ten(ana, api, an_order):
    lines = [{"sku": f"SKU-{number}", "quantity": 1} for number in range(10)]
    for line in lines:
        builders.a_product(line["sku"], amount=100)
    assert api.checkout(builders.a_purchase(lines=lines)).status_code == 201
    long_order = Order.objects.order_by("-pk").first()

    for route, name in (("orders_order", "pk"), ("orders_checkout", "checkout_id")):
        short, long = (
            statements(ana, f"{route}_change", getattr(order, name))
            for order in (an_order, long_order)
        )
        assert long == short, route


def statements(staff, route, *args):
    """How many statements one page costs."""
    with CaptureQueriesContext(connection) as captured:
        staff.page(route, *args)
    return len(captured)


@pytest.fixture
def twenty_orders(api):
    """Twenty orders, and one of each of what stands beside them."""
    for _ in range(20):
        assert api.checkout().status_code == 201
    for number in range(20):
        builders.a_product(f"SKU-{number}")
        builders.a_client()
        BlockListEntry.objects.create(kind="email", value=f"{number}@example.org", reason="fraud")
        AuditEntry.objects.create(
            actor="staff:ana", action="test", aggregate="payment", reason="r",
            aggregate_id=Payment.objects.first().pk,
        )  # fmt: skip
        builders.DisputeFactory(payment=Payment.objects.first())
        builders.ProcessorEventFactory(payment=Payment.objects.first())


def test_every_list_with_twenty_rows_costs_a_handful_of_statements(
    root, twenty_orders, django_assert_max_num_queries
):
    for name in LISTS:
        with django_assert_max_num_queries(STATEMENTS_PER_LIST_MAX):
            page = root.page(f"{name}_changelist")
        shown = page.count('<th class="field-')
        assert shown >= (4 if name == "orders_shippingrate" else 10), (name, shown)


def test_each_list_narrows_by_its_filters(root, twenty_orders):
    Order.objects.filter(pk=Order.objects.first().pk).update(state="on_hold")

    assert "1 order" in root.page("orders_order_changelist", state="on_hold")
    assert "20 orders" in root.page("orders_order_changelist", payment__state="authorized")
    assert "0 payments" in root.page("payments_payment_changelist", state="voided")
    assert "20 checkouts" in root.page("orders_checkout_changelist", risk_outcome="accept")
    assert "0 idempotency keys" in root.page("foundation_idempotencykey_changelist", stuck="yes")
    assert "20 outbox" in root.page("events_outboxevent_changelist", type="order.placed")
    day = "2020-01-01 00:00:00+00:00"
    assert "0 orders" in root.page("orders_order_changelist", placed_at__lt=day)
    assert "20 orders" in root.page("orders_order_changelist", placed_at__gte=day)


def found(staff, route, term):
    """How many rows a search shows."""
    return staff.page(f"{route}_changelist", q=term).count('<th class="field-')


def test_an_order_is_found_by_everything_people_have_in_hand(root, api, an_order):
    api.checkout()
    for term in (
        an_order.public_number, an_order.public_number.lower(), an_order.reference,
        an_order.email, an_order.email.upper(),
        an_order.customer_reference, an_order.cart_id, an_order.payment.processor_reference,
        an_order.payment.reference, an_order.checkout.reference, str(an_order.pk),
        f"  {an_order.reference}  ",
    ):  # fmt: skip
        assert found(root, "orders_order", term) == 1, term
    for term in ("R999999999", "R" + "9" * 40, "ord_nonsense", "nobody@example.com", "٣", "'--"):
        assert found(root, "orders_order", term) == 0, term


def test_payments_checkouts_keys_and_events_are_found_by_their_keys(root, api):
    for _ in range(2):
        key = builders.a_key()
        api.checkout(key=key)
    order = Order.objects.select_related("payment", "checkout").order_by("-pk").first()
    payment, checkout = order.payment, order.checkout
    event = OutboxEvent.objects.filter(stream=checkout.pk, type="order.placed").get()
    for route, term, count in (
        ("payments_payment", payment.reference, 1),
        ("payments_payment", payment.processor_reference, 1),
        ("payments_payment", checkout.reference, 1),
        ("orders_checkout", checkout.reference, 1),
        ("orders_checkout", order.reference, 1),
        ("orders_checkout", payment.reference, 1),
        ("orders_checkout", key, 1),
        ("orders_checkout", checkout.email, 1),
        ("orders_checkout", checkout.cart_id, 1),
        ("orders_checkout", payment.processor_reference, 1),
        ("orders_reservation", checkout.reference, 1),
        ("orders_stockitem", "mug-bl", 1),
        ("orders_product", "Mug MUG", 1),
        ("foundation_idempotencykey", key, 1),
        ("foundation_idempotencykey", checkout.reference, 1),
        ("events_outboxevent", event.reference, 1),
        ("events_outboxevent", checkout.reference, 2),
        ("foundation_transition", payment.reference, 1),
    ):
        assert found(root, route, term) == count, (route, term)


def test_a_key_whose_runner_is_gone_shows_as_stuck(root, api):
    key = builders.a_key()
    api.checkout(key=key)
    IdempotencyKey.objects.update(
        state="in_progress", completed_at=None, leased_until="2020-01-01T00:00:00Z"
    )

    assert "stuck" in root.page("foundation_idempotencykey_changelist", stuck="yes")
    assert found(root, "foundation_idempotencykey", key) == 1


def test_the_stored_answer_is_shown_as_text_and_a_digest_never(root, api):
    api.checkout()
    row = IdempotencyKey.objects.get()
    page = root.page("foundation_idempotencykey_change", row.pk)
    assert "&quot;status&quot;:&quot;completed&quot;" in page

    secret = ApiKey.objects.first()
    for page in (
        root.page("foundation_apikey_changelist"),
        root.page("foundation_apikey_change", secret.pk),
    ):
        assert secret.hint in page
        assert secret.digest.hex() not in page
        assert "digest" not in page.lower()


# --- editing ---------------------------------------------------------------------------


def test_nothing_can_be_added_changed_or_deleted_by_posting(root, ana, twenty_orders):
    before = {name: _rows(name) for name in READ_ONLY}
    for name in READ_ONLY:
        row = _model(name).objects.first()
        assert row is not None, name
        for staff in (root, ana):
            for action, args in (("change", [row.pk]), ("delete", [row.pk]), ("add", [])):
                url = reverse(f"admin:{name}_{action}", args=args)
                reply = staff.client.post(url, {"state": "voided", "_save": "1", "post": "yes"})
                assert reply.status_code == 403, (name, action)
            listing = reverse(f"admin:{name}_changelist")
            chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
            assert staff.client.post(listing, chosen).status_code in (200, 302)
    assert {name: _rows(name) for name in READ_ONLY} == before


def _model(name):
    return apps.get_model(*name.split("_"))


def _rows(name):
    return sorted(map(str, _model(name).objects.values_list()))


def test_every_read_only_page_opens(root, twenty_orders):
    for name in READ_ONLY:
        root.page(f"{name}_change", _model(name).objects.first().pk)


def test_a_page_that_is_not_there_leads_back_to_the_list(root):
    for wrong in ("nonsense", "ord_zzzzzzzzzzzzzzzzzzzzzzzzzzzz"):
        reply = root.get("orders_order_change", wrong)
        assert (reply.status_code, reply["Location"]) == (302, "/admin/orders/order/")


def test_reference_tables_are_kept_by_staff_and_bad_rows_are_refused(root):
    def post(route, **fields):
        return root.client.post(reverse(f"admin:{route}_add"), fields).status_code

    assert (
        post("orders_blocklistentry", kind="email", value="Bad@Example.COM", reason="fraud") == 302
    )
    assert BlockListEntry.objects.get().value == "bad@example.com"
    assert post("orders_blocklistentry", kind="ip", value="not an address", reason="x") == 200
    assert post("orders_blocklistentry", kind="email", value="bad@example.com", reason="x") == 200
    tax = {"country": "FR", "region": "", "tax_code": "standard", "jurisdiction": "France"}
    assert post("orders_taxrate", **tax, rate_ppm="200000", inclusive="on") == 302
    assert post("orders_taxrate", **tax | {"country": "fr"}, rate_ppm="2000000") == 200
    rate = {
        "method": "express",
        "country": "*",
        "amount": "900",
        "tax_code": "shipping",
        "title": "E",
    }
    assert post("orders_shippingrate", **rate, currency="XXX") == 200
    assert post("orders_shippingrate", **rate, currency="usd") == 302
    assert ShippingRate.objects.get(method="express").currency == "USD"
