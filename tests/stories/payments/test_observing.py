"""What happens at the processor without us arrives in our rows, whoever tells of it and how often.

Captures, voids and refunds made in its dashboard are the same calls without our keys.
"""

import pytest

from events.models import OutboxEvent
from foundation.models import Transition
from foundation.transactions import durable
from payments.models import Payment, Refund
from payments.processors import processor
from payments.services import capture, observe, steps, void
from payments.services.authorize import look_up
from payments.services.observe import InFlight, NotAnswered, look_and_observe
from tests import builders
from tests.stories import world
from tests.stories.payments.moves import amounts, rows


@pytest.fixture
def dashboard():
    """The processor, used by somebody else."""
    return processor("stripe")


def look(payment):
    return look_and_observe(payment.pk, by="system:test", source="processor")


def picture():
    """Everything that a second look must leave as it is."""
    payment = Payment.objects.get()
    return (
        amounts(payment), rows(payment), OutboxEvent.objects.count(), Transition.objects.count(),
        list(Refund.objects.order_by("sequence").values_list("state", "amount")),
    )  # fmt: skip


def look_again_and_again(payment):
    before = picture()
    for _ in range(3):
        look(payment)
    assert picture() == before


def test_a_capture_made_in_the_dashboard_is_booked_as_the_processors(payment, dashboard):
    dashboard.capture(
        processor_reference=payment.processor_reference, amount=4298, key=builders.a_key()
    )

    look(payment)

    assert amounts(payment) == ("captured", 4298, 0, 0)
    step = payment.transactions.get(kind="capture")
    assert (step.source, step.actor) == ("processor", "processor")
    look_again_and_again(payment)


def test_a_partial_capture_made_in_the_dashboard_lets_go_of_the_rest(payment, dashboard):
    dashboard.capture(
        processor_reference=payment.processor_reference, amount=1000, key=builders.a_key()
    )

    look(payment)

    assert amounts(payment) == ("captured", 1000, 3298, 0)
    assert payment.transactions.get(kind="void").note == "remainder"
    look_again_and_again(payment)


def test_one_of_several_captures_made_in_the_dashboard_is_one_of_ours(till, several, dashboard):
    till.capture(several, 1000, final=False)
    dashboard.capture(
        processor_reference=several.processor_reference,
        amount=500,
        key=builders.a_key(),
        final=False,
    )
    look(several)
    till.capture(several, 700, final=False)

    assert amounts(several) == ("partially_captured", 2200, 0, 0)
    captures = [row for row in rows(several) if row[0] == "capture"]
    assert captures == [("capture", 1000), ("capture", 500), ("capture", 700)]
    look(several)
    look_again_and_again(several)


def test_a_release_made_in_the_dashboard_is_a_void(payment, dashboard):
    dashboard.void(processor_reference=payment.processor_reference, key=builders.a_key())

    look(payment)

    assert amounts(payment) == ("voided", 0, 4298, 0)
    assert payment.transactions.get(kind="void").source == "processor"
    look_again_and_again(payment)


def test_a_refund_made_in_the_dashboard_gets_a_row_of_its_own(till, taken, dashboard):
    till.refund(taken, 1000)
    dashboard.refund(
        processor_reference=taken.processor_reference,
        amount=500,
        key=builders.a_key(),
        reference="",
    )

    look(taken)

    assert amounts(taken) == ("partially_refunded", 4298, 0, 1500)
    theirs = Refund.objects.get(sequence=2)
    assert (theirs.source, theirs.actor, theirs.state) == ("processor", "processor", "succeeded")
    look_again_and_again(taken)


def test_a_refund_made_in_the_dashboard_that_is_pending_is_followed_and_never_sent(
    till, taken, dashboard
):
    till.shop.fault("refund", "refund_pending", times=1, seconds=3600)
    made = dashboard.refund(
        processor_reference=taken.processor_reference,
        amount=500,
        key=builders.a_key(),
        reference="",
    )
    look(taken)
    taken.refresh_from_db()
    assert taken.refund_pending_amount == 500

    world.sweeps(3, seconds=3600)
    assert Refund.objects.get().state == "pending"
    till.backstage(f"refunds/{made.processor_reference}/settle", status="succeeded")
    world.sweeps(2, seconds=86_400)

    assert amounts(taken) == ("partially_refunded", 4298, 0, 500)
    assert till.happened(taken)["refund"] == (1, 500)


def test_a_refund_made_in_the_dashboard_that_is_not_shown_any_more_is_never_sent_by_us(
    till, taken, dashboard, monkeypatch
):
    till.shop.fault("refund", "refund_pending", times=1, seconds=3600)
    dashboard.refund(
        processor_reference=taken.processor_reference,
        amount=500,
        key=builders.a_key(),
        reference="",
    )
    look(taken)

    monkeypatch.setattr(type(dashboard), "list_refunds", lambda self, **asked: [])
    world.sweeps(3, seconds=3600)

    assert Refund.objects.get().state == "pending"
    assert till.happened(taken)["refund"] == (1, 500)


def test_a_refund_made_in_the_dashboard_that_came_to_nothing_leaves_no_row(taken, dashboard, till):
    till.shop.fault("refund", "refund_fails", times=1)
    dashboard.refund(
        processor_reference=taken.processor_reference,
        amount=500,
        key=builders.a_key(),
        reference="",
    )

    look(taken)

    assert not Refund.objects.exists()
    assert amounts(taken) == ("captured", 4298, 0, 0)


def test_a_refund_of_ours_that_never_arrived_yields_to_one_from_the_dashboard(
    till, taken, dashboard
):
    till.shop.fault("refund", "reset_before", times=1)
    assert till.refund(taken, 1000).status_code == 202
    dashboard.refund(
        processor_reference=taken.processor_reference,
        amount=4298,
        key=builders.a_key(),
        reference="",
    )

    with pytest.raises(InFlight):
        look(taken)
    world.sweeps(3, seconds=3600)
    look(taken)

    assert amounts(taken) == ("refunded", 4298, 0, 4298)
    taken.refresh_from_db()
    assert taken.refund_pending_amount == 0
    assert Refund.objects.get(sequence=1).state == "failed"


def test_a_view_older_than_our_rows_changes_nothing(till, payment, dashboard):
    held = look_up(payment)().payment
    till.capture(payment, 1000)
    taken = look_up(payment)().payment
    till.refund(payment, 400)
    look(payment)
    before = picture()

    for stale in (held, taken, held):
        with durable():
            now = Payment.objects.get(pk=payment.pk)
            steps.lock(now)
            observe.observe(now, stale, by="system:test", source="processor")

    assert picture() == before


def test_a_late_success_about_a_refund_that_came_back_changes_nothing(till, taken, dashboard):
    refund = till.refund(taken, 1000).json()["processor_reference"]
    (succeeded,) = dashboard.list_refunds(processor_reference=taken.processor_reference)
    till.backstage(f"refunds/{refund}/settle", status="failed")
    look(taken)
    before, seen = picture(), look_up(taken)().payment

    with durable():
        now = Payment.objects.get(pk=taken.pk)
        steps.lock(now)
        observe.observe(now, seen, [succeeded], by="system:test", source="processor")

    assert picture() == before
    assert Refund.objects.get().state == "failed"


def test_nobody_observes_what_somebody_is_at_work_on(payment):
    with durable():
        capture.claim(payment, steps.Wish("slow", "system"))

    with pytest.raises(InFlight):
        look(payment)

    assert amounts(payment)[0] == "capturing"


def test_a_look_after_the_lease_closes_what_was_captured_and_shuts_the_holder_out(payment):
    with durable():
        capture.claim(payment, steps.Wish("slow", "system"))
    answer = capture.capture_call(payment)()
    world.later()

    look(payment)
    with pytest.raises(Exception, match="no move"):
        capture.close(payment, answer, by="slow")

    assert amounts(payment) == ("captured", 4298, 0, 0)
    assert payment.transactions.get(kind="capture").actor == "slow"


def test_a_look_sends_nothing(payment, shop):
    with durable():
        void.claim(payment, by="slow", reason="test")
    world.later()

    look(payment)

    assert amounts(payment)[0] == "voiding"
    assert len(shop.holds(payment.reference)) == 1
    world.sweeps(2)
    assert amounts(payment)[0] == "voided"


def test_a_silent_processor_is_no_news(payment):
    with world.processor_away(), pytest.raises(NotAnswered):
        look(payment)

    assert amounts(payment)[0] == "authorized"


def test_a_payment_whose_authorization_is_not_settled_belongs_to_its_checkout(api):
    api.checkout(builders.a_purchase(payment_method="pm_card_authenticationRequired"))

    with pytest.raises(InFlight):
        look(Payment.objects.get())


def test_a_dispute_of_what_was_taken_leaves_a_capture_in_doubt_in_doubt(till, several):
    till.capture(several, 1000, final=False)
    till.shop.fault("capture", "reset_before", times=1)
    assert till.capture(several, 500, final=False).status_code == 202
    till.backstage("disputes", payment=several.processor_reference, amount=1000)

    look(several)

    assert amounts(several)[:2] == ("capturing", 1000)
    assert (several.is_disputed, several.charged_back_amount) == (True, 1000)
    world.sweeps(2, seconds=600)
    assert amounts(several)[:2] == ("disputed", 1500)
    assert till.happened(several)["capture"] == (2, 1500)
