"""A new hold in place of one that is over: never two at once, and told of with its outcome."""

import pytest

from events.models import OutboxEvent
from foundation.models import AuditEntry
from payments.models import Payment
from payments.refusals import NotReauthorizable, PaymentInProgress
from payments.services import reauthorize as verb
from tests import builders
from tests.stories import world
from tests.stories.payments.moves import amounts, slow_processor


def reauthorize(payment):
    return verb.reauthorize(payment.pk, by="system:test", reason="ships tomorrow")


def told():
    """Apart from deadlines, which are not what these stories are about."""
    types = OutboxEvent.objects.filter(type__startswith="payment.").order_by("sequence")
    return [event.type for event in types.exclude(type="payment.expiring")]


@pytest.fixture
def expired(till, payment):
    till.backstage(f"holds/{payment.processor_reference}/expire")
    payment.refresh_from_db()
    world.later(8 * 86_400)
    assert till.capture(payment).status_code == 409
    payment.refresh_from_db()
    assert payment.state == "expired"
    return payment


def test_a_new_hold_takes_the_place_of_an_expired_one(till, expired):
    made = reauthorize(expired)

    assert (made.state, made.authorized_amount, made.replaces_id) == (
        "authorized",
        4298,
        expired.pk,
    )
    assert len(till.shop.holds(made.reference)) == 1
    assert (made.stream, made.client_id) == (expired.stream, expired.client_id)
    event = OutboxEvent.objects.get(type="payment.reauthorized")
    assert event.payload["payment"] == made.reference
    assert event.payload["replaces"] == expired.reference
    assert AuditEntry.objects.get(action="payment.reauthorize").reason == "ships tomorrow"
    assert till.capture(made).status_code == 201
    assert till.capture(expired).status_code == 409


def test_a_live_hold_is_released_first_and_nobody_is_told_that_it_is_gone(till, payment):
    made = reauthorize(payment)

    assert made.state == "authorized"
    assert amounts(payment) == ("voided", 0, 4298, 0)
    assert till.shop.holds(payment.reference) == []
    assert told()[1:] == ["payment.reauthorized"]


def test_called_again_it_is_the_same_new_hold(till, expired):
    first = reauthorize(expired)

    assert reauthorize(expired).pk == first.pk
    assert Payment.objects.count() == 2


def test_a_declined_new_hold_is_told_and_may_be_tried_again_from_there(
    till, expired, shop, monkeypatch
):
    Payment.objects.filter(pk=expired.pk).update(payment_method=builders.decline())

    made = reauthorize(expired)

    assert made.state == "declined"
    assert told()[-1] == "payment.reauthorization_failed"
    Payment.objects.filter(pk=made.pk).update(payment_method="pm_card_visa")
    assert reauthorize(made).state == "authorized"


def test_nobody_is_there_to_confirm_a_new_hold(till, expired):
    method = "pm_card_authenticationRequired"
    Payment.objects.filter(pk=expired.pk).update(payment_method=method)

    assert reauthorize(expired).state == "declined"
    assert told()[-1] == "payment.reauthorization_failed"


@pytest.mark.parametrize("fault", ["timeout_after", "lost_reply", "timeout_before", "500_before"])
def test_a_lost_answer_is_resolved_without_anybody_and_holds_once(till, expired, fault):
    till.shop.fault("create", fault, times=1, seconds=2)

    made = reauthorize(expired)
    assert made.state == "unknown"
    world.sweeps(6, seconds=3600)

    made.refresh_from_db()
    assert made.state == "authorized"
    assert till.happened(made)["authorization"] == (1, 4298)
    assert told()[-1] == "payment.reauthorized"


@pytest.mark.parametrize("operation", ["void", "authorize"])
def test_a_process_that_dies_over_it_leaves_one_new_hold(till, payment, monkeypatch, operation):
    world.die_after(monkeypatch, operation)
    with pytest.raises(world.ProcessDied):
        reauthorize(payment)

    world.sweeps(5, seconds=600)

    made = Payment.objects.get(replaces=payment)
    assert made.state == "authorized"
    assert till.happened(made)["authorization"] == (1, 4298)
    assert amounts(payment)[0] == "voided"
    assert told()[1:] == ["payment.reauthorized"]


def test_a_new_hold_is_sent_again_under_a_lease_that_began_after_the_look(
    till, expired, monkeypatch, limits
):
    till.shop.fault("create", "500_before", times=1)
    reauthorize(expired)
    world.later(600)

    with slow_processor(monkeypatch, "authorize") as left:
        world.sweep_only("resolve_unknown")

    assert [round(seconds) for seconds in left] == [limits.PAYMENT_LEASE_SECONDS]
    world.sweeps(3, seconds=3600)
    assert Payment.objects.get(replaces=expired).state == "authorized"


def test_a_hold_that_was_captured_before_it_could_be_released_is_not_held_again(till, payment):
    world.capture_behind_our_back(payment)

    made = reauthorize(payment)

    assert made.state == "abandoned"
    assert till.shop.requests(made.reference) == []
    assert amounts(payment) == ("captured", 4298, 0, 0)
    assert told()[-1] == "payment.reauthorization_failed"


def test_a_processor_that_can_not_be_reached_is_asked_later(till, expired):
    with world.processor_away():
        made = reauthorize(expired)
        assert made.state == "authorizing"

    world.sweeps(4, seconds=600)

    made.refresh_from_db()
    assert made.state == "authorized"
    assert till.happened(made)["authorization"] == (1, 4298)


def test_what_was_taken_or_is_under_way_is_not_held_again(till, taken):
    with pytest.raises(NotReauthorizable):
        reauthorize(taken)
    Payment.objects.filter(pk=taken.pk).update(state="capturing")
    with pytest.raises(PaymentInProgress):
        reauthorize(taken)

    assert Payment.objects.count() == 1
