"""One thing of each kind that has an id, bought by one client: what others must not see."""

from events import feed
from events.models import WebhookDelivery
from foundation import clock
from orders.models import Fulfillment, FulfillmentLine, Order
from payments.models import Payment, Refund
from payments.models.payment import Source
from reconciliation.models import Match, ReconciliationBreak, ReconciliationRun, SettlementReport
from tests import builders


def a_world(api):
    """Public ids by prefix, once `api` bought something, got it shipped, refunded and disputed."""
    endpoint = an_endpoint(api)
    bought = api.checkout().json()
    order, payment = Order.objects.get(), Payment.objects.get()
    shipment = Fulfillment.objects.create(order=order, is_automatic=True)
    line = order.lines.get()
    FulfillmentLine.objects.create(fulfillment=shipment, order_line=line, quantity=line.quantity)
    refund = Refund.objects.create(
        payment=payment, sequence=1, amount=100, currency="USD", source=Source.STAFF,
        actor="staff:ana", state="failed", failure_code="lost", ended_at=clock.now(),
    )  # fmt: skip
    dispute = builders.DisputeFactory.create(payment=payment)
    feed.publish()  # the deliverer's first half; nothing is sent
    delivery = WebhookDelivery.objects.select_related("event").earliest("event_id")
    return {
        "chk": bought["id"],
        "ord": order.reference,
        "pay": payment.reference,
        "ful": shipment.reference,
        "rfd": refund.reference,
        "dsp": dispute.reference,
        "whe": endpoint,
        "evt": delivery.event.reference,
        "dlv": delivery.reference,
    } | _books()


def an_endpoint(api):
    """The public id of an endpoint of `api`'s client that asks for everything."""
    made = api.post("/v1/webhook-endpoints", {"url": "https://shop.example.com/hooks"})
    return made.json()["id"]


def _books():
    """What is everybody's: for keys that see all."""
    now = clock.now()
    run = ReconciliationRun.objects.create(account="stripe", day=now.date(), version=1)
    report = SettlementReport.objects.create(
        account="stripe", origin="upload", name="day.csv", format="stripe_csv", sha256="0" * 64,
        begins_at=now, ends_at=now, line_count=0, new_line_count=0, ingested_by="api:shop",
    )  # fmt: skip
    difference = ReconciliationBreak.objects.create(
        account="stripe", kind="fee_mismatch", fingerprint="f", amount=1, currency="USD",
        began_at=now,
    )  # fmt: skip
    match = Match.objects.create(
        account="stripe", key="pi_1", broken=difference, ours={}, theirs={}, difference=0,
        currency="USD", matched_by="api:shop", reason="a letter",
    )  # fmt: skip
    return {
        "run": run.reference,
        "set": report.reference,
        "brk": difference.reference,
        "rmt": match.reference,
    }
