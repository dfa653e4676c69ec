"""3-D Secure: the shopper leaves for the bank's page; what counts is what the processor says."""

import pytest

from foundation.models import IdempotencyKey
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, CheckoutVisit, Order, Reservation, StockItem
from payments.models import Payment
from tests import builders
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.orders.desk import confirm, give_up


@pytest.fixture
def away(api):
    """A checkout whose shopper was sent to the bank's page."""
    reply = api.checkout(builders.a_purchase(payment_method="pm_card_authenticationRequired"))
    assert (reply.status_code, reply.json()["status"]) == (202, "requires_action")
    assert reply.json()["next_action"]["redirect_to_url"]["url"]
    return Checkout.objects.select_related("payment").get()


def at_the_bank(shop, checkout, *, result="ok"):
    """The shopper answers on the bank's page."""
    intent = checkout.payment.processor_reference
    query = {"result": "fail"} if result == "fail" else {}
    reply = shop.http.post(f"/_sandbox/authenticate/{intent}", params=query)
    assert reply.status_code == 200, reply.text


def assert_one_order(shop, checkout):
    order = Order.objects.get()
    assert order.checkout_id == checkout.pk
    assert len(shop.effects(order.payment.reference, "authorization")) == 1
    assert Reservation.objects.get().state == "committed"
    finalizer = IdempotencyKey.objects.get(scope="system", subject_id=checkout.pk)
    assert (finalizer.state, finalizer.response_status) == ("completed", 201)


def assert_nothing_held(shop, checkout):
    assert not Order.objects.exists()
    assert shop.holds(checkout.payment.reference) == []
    assert StockItem.objects.get().reserved == 0
    assert Reservation.objects.get().state == "released"


def cancels(shop, checkout):
    asked = shop.requests(checkout.payment.reference)
    return [request["operation"] for request in asked].count("cancel")


def test_a_shopper_who_passed_comes_back_to_an_order(api, shop, away):
    at_the_bank(shop, away)

    reply = confirm(api, away)

    assert reply.status_code == 200, reply.content
    assert reply.json()["status"] == "completed"
    assert reply["Location"] == f"/v1/orders/{reply.json()['order']['id']}"
    assert_one_order(shop, away)


def test_the_browser_is_not_believed_the_processor_is_asked(api, shop, away):
    reply = confirm(api, away)

    assert (reply.status_code, reply.json()["status"]) == (202, "requires_action")
    assert reply.json()["next_action"]
    assert not Order.objects.exists()
    assert Reservation.objects.get().state == "held"


def test_a_confirmation_is_answered_once_and_another_key_asks_again(api, shop, away):
    key = builders.a_key()
    first = confirm(api, away, key=key)
    at_the_bank(shop, away)

    again, fresh = confirm(api, away, key=key), confirm(api, away)

    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert fresh.status_code == 200


def test_a_shopper_who_failed_is_declined_and_nothing_stays_held(api, shop, away):
    at_the_bank(shop, away, result="fail")

    reply = confirm(api, away)

    assert (reply.status_code, reply.json()["code"]) == (402, "payment_declined")
    assert reply.json()["charge_state"] == "not_charged"
    assert_nothing_held(shop, away)
    assert Payment.objects.get().state == "declined"


def test_a_shopper_who_never_comes_back_is_found_out_by_the_sweep(api, shop, away):
    at_the_bank(shop, away)

    world.drive_everything(2)

    assert_one_order(shop, away)
    assert confirm(api, away).json()["order"]["id"] == Order.objects.get().reference


def test_the_stock_is_held_as_long_as_the_shopper_has_and_not_longer(api, shop, away, settings):
    world.later(settings.ACTION_SECONDS - 60)
    world.sweep()
    assert Reservation.objects.get().state == "held"

    world.drive_everything(6)

    assert_nothing_held(shop, away)
    reply = confirm(api, away)
    assert (reply.status_code, reply.json()["code"]) == (409, "checkout_expired")
    assert cancels(shop, away) == 1


def test_too_late_at_the_bank_is_too_late(api, shop, away, settings):
    world.later(settings.ACTION_SECONDS + 1)
    world.drive_everything(4)

    intent = away.payment.processor_reference
    assert shop.http.post(f"/_sandbox/authenticate/{intent}").status_code >= 400
    assert confirm(api, away).json()["code"] == "checkout_expired"
    assert_nothing_held(shop, away)


def test_many_who_come_back_at_once_make_one_order(api, shop, away):
    at_the_bank(shop, away)
    acts = [lambda: confirm(api, away).status_code] * 4

    statuses = at_once([*acts, lambda: recover_checkouts(limit=5)])

    assert set(statuses[:4]) <= {200, 202}
    assert confirm(api, away).status_code == 200
    assert_one_order(shop, away)


def test_a_confirmation_whose_answer_is_in_doubt_is_finished_without_the_client(
    api, shop, away, monkeypatch
):
    at_the_bank(shop, away)
    key = builders.a_key()
    with world.processor_away():
        doubtful = confirm(api, away, key=key)
    assert doubtful.status_code == 202

    world.drive_everything(4)

    assert_one_order(shop, away)
    assert confirm(api, away, key=key).status_code in (200, 202)


def test_a_shopper_who_gives_up_leaves_nothing_held(api, shop, away):
    reply = give_up(api, away)

    assert reply.status_code == 200, reply.content
    assert reply.json()["status"] == "failed"
    assert reply.json()["refusal"]["code"] == "checkout_canceled"
    assert_nothing_held(shop, away)
    assert CheckoutVisit.objects.get().verb == "cancel"


def test_giving_up_twice_is_giving_up_once(api, shop, away):
    give_up(api, away)

    assert give_up(api, away).status_code == 200
    assert cancels(shop, away) == 1


def test_a_cart_that_was_given_up_may_be_bought_again(api, shop, away):
    give_up(api, away)

    again = api.checkout(builders.a_purchase(cart_id=away.cart_id))

    assert again.status_code == 201


def test_an_order_is_not_given_up_as_a_checkout(api, shop):
    order = world.an_order(api)

    reply = give_up(api, order.checkout)

    assert (reply.status_code, reply.json()["code"]) == (409, "checkout_completed")
    assert reply.json()["order"] == order.reference
    assert Order.objects.get().state == "placed"


def test_given_up_while_the_processor_answers_it_never_becomes_an_order(api, shop, monkeypatch):
    def somebody_gives_up():
        return give_up(api, Checkout.objects.get()).status_code

    world.meanwhile(monkeypatch, "authorize", somebody_gives_up)
    reply = api.checkout()
    assert (reply.status_code, reply.json()["code"]) == (409, "idempotency_in_progress")

    world.drive_everything(6)

    assert_nothing_held(shop, Checkout.objects.select_related("payment").get())
    assert Checkout.objects.get().refusal["code"] == "checkout_canceled"


def test_given_up_in_doubt_it_goes_back_once_the_processor_answers(api, shop):
    body = builders.a_purchase(payment_method=builders.faulty("timeout_after"))
    assert api.checkout(body).status_code == 202
    checkout = Checkout.objects.select_related("payment").get()
    key = builders.a_key()

    with world.processor_away():
        assert give_up(api, checkout, key=key).status_code == 202
    world.drive_everything(8, seconds=120)

    assert_nothing_held(shop, checkout)
    assert give_up(api, checkout, key=key).status_code == 200


def test_giving_up_and_finishing_at_once_have_one_winner(api, shop):
    for _ in range(4):
        body = builders.a_purchase(payment_method="pm_card_authenticationRequired")
        reference = api.checkout(body).json()["id"]
        checkout = Checkout.objects.select_related("payment").order_by("-pk")[0]
        assert checkout.reference == reference
        at_the_bank(shop, checkout)

        gave_up, _ = at_once(
            [lambda c=checkout: give_up(api, c), lambda c=checkout: confirm(api, c)]
        )
        world.drive_everything(4)

        is_ordered = Order.objects.filter(checkout=checkout).exists()
        assert shop.holds(checkout.payment.reference) == []  # taken, or let go
        assert len(shop.effects(checkout.payment.reference, "capture")) == is_ordered
        assert gave_up.status_code in ((409,) if is_ordered else (200, 202))


@pytest.mark.parametrize("verb", ["confirm", "cancel"])
def test_a_visit_is_read_strictly_and_seen_by_its_client_only(api, another_api, away, verb):
    path = f"/v1/checkouts/{away.reference}/{verb}"

    assert api.post(path, {}).json()["code"] == "idempotency_key_missing"
    assert api.post(path, {"total": 1}, key=builders.a_key()).status_code == 422
    assert another_api.post(path, {}, key=builders.a_key()).status_code == 404
    assert not CheckoutVisit.objects.exists()
