"""Undo a payment, whatever became of it; called again after any crash, it does what is left."""

import pytest

from foundation.transactions import durable
from payments.models import Payment, Refund
from payments.services import capture, steps
from payments.services.cancel import cancel_payment
from tests import builders
from tests.stories import world
from tests.stories.payments.moves import amounts


def cancel(payment):
    return cancel_payment(payment.pk, by="system:test", reason="order canceled")


def test_a_hold_is_released(till, payment):
    done = cancel(payment)

    assert (done.progress, done.action) == ("settled", "voided")
    assert amounts(payment) == ("voided", 0, 4298, 0)


def test_what_was_taken_is_given_back(till, taken):
    till.refund(taken, 1000)

    done = cancel(taken)

    assert (done.progress, done.action) == ("settled", "refunded")
    assert amounts(taken) == ("refunded", 4298, 0, 4298)
    assert till.happened(taken)["refund"] == (2, 4298)


def test_what_was_taken_in_part_is_given_back_and_the_rest_released(till, several):
    till.capture(several, 1000, final=False)

    done = cancel(several)

    assert (done.progress, done.action) == ("settled", "void_and_refund")
    assert amounts(several) == ("refunded", 1000, 3298, 1000)
    assert till.shop.holds(several.reference) == []


def test_called_again_it_changes_nothing_and_says_the_same(till, several):
    till.capture(several, 1000, final=False)
    first = cancel(several)

    again = cancel(several)

    assert (again.progress, again.action) == (first.progress, first.action)
    assert till.happened(several)["refund"] == (1, 1000)


@pytest.mark.parametrize("operation", ["void", "refund"])
def test_a_process_that_dies_over_it_is_finished_by_the_next_call(
    till, several, monkeypatch, operation
):
    till.capture(several, 1000, final=False)
    world.die_after(monkeypatch, operation)
    with pytest.raises(world.ProcessDied):
        cancel(several)
    assert cancel(several).progress == "in_progress"

    world.later(76)
    done = cancel(several)

    assert (done.progress, done.action) == ("settled", "void_and_refund")
    assert amounts(several) == ("refunded", 1000, 3298, 1000)
    happened = till.happened(several)
    assert (happened["cancel"], happened["refund"]) == ((1, 3298), (1, 1000))


def test_a_capture_under_way_is_waited_for_and_then_given_back(till, payment):
    with durable():
        capture.claim(payment, steps.Wish("slow", "system"))
    answer = capture.capture_call(payment)()
    assert cancel(payment).progress == "in_progress"

    capture.close(payment, answer, by="slow")
    done = cancel(payment)

    assert (done.progress, done.action) == ("settled", "refunded")
    assert amounts(payment) == ("refunded", 4298, 0, 4298)


def test_a_capture_nobody_knows_the_end_of_is_asked_about_before_it_is_given_back(till, payment):
    till.shop.fault("capture", "lost_reply", times=1)
    till.capture(payment)

    done = cancel(payment)

    assert (done.progress, done.action) == ("settled", "refunded")


def test_a_capture_that_was_faster_than_the_void_is_given_back(till, payment):
    world.capture_behind_our_back(payment)

    done = cancel(payment)

    assert (done.progress, done.action) == ("settled", "refunded")
    assert amounts(payment) == ("refunded", 4298, 0, 4298)


def test_a_lost_answer_is_in_progress_and_goes_on_by_itself(till, taken, settings):
    settings.PROCESSOR_LOOKUP_LAG_SECONDS = 60.0
    till.shop.fault("refund", "timeout_before", times=1, seconds=2)

    assert cancel(taken).progress == "in_progress"
    world.sweeps(3, seconds=600)

    assert cancel(taken).progress == "settled"
    assert till.happened(taken)["refund"] == (1, 4298)


def test_a_refund_the_bank_takes_days_for_is_out_of_our_hands(till, taken):
    till.shop.fault("refund", "refund_pending", times=1, seconds=3600)

    done = cancel(taken)

    assert (done.progress, done.action) == ("settled", "refunded")
    assert Refund.objects.get().state == "pending"


def test_a_refund_the_processor_refuses_is_told_and_may_be_tried_again(till, taken):
    till.shop.fault("refund", "refund_fails", times=1)

    refused = cancel(taken)
    assert (refused.progress, refused.detail) == ("refused", "declined")

    assert cancel(taken).progress == "settled"


def test_a_disputed_payment_is_left_to_a_person(till, taken):
    Payment.objects.filter(pk=taken.pk).update(is_disputed=True, state="disputed")

    done = cancel(taken)

    assert done.progress == "refused"
    assert "refund" not in till.happened(taken)


def test_nothing_held_is_nothing_to_do(api):
    api.checkout(builders.a_purchase(payment_method=builders.decline()))

    done = cancel(Payment.objects.get())

    assert (done.progress, done.action) == ("settled", "none")
