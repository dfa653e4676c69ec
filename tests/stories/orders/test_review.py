"""A checkout in review: approved once, rejected, given up, or out of time; never two of these."""

import pytest

from foundation.errors import DomainError
from orders import reviews
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Order, Reservation, StockItem
from payments.models import Payment
from tests import builders, ledger_witness
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.orders.desk import confirm, give_up


@pytest.fixture
def in_review(api):
    """Billed to another country than it ships to: a person must look."""
    address = {"line1": "Weg 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
    assert api.checkout(builders.a_purchase(billing_address=address)).status_code == 202
    return Checkout.objects.select_related("payment").get()


def approve(checkout, *, by="staff:anna"):
    try:
        return reviews.decide(checkout.pk, approved=True, by=by, reason="known customer")
    except DomainError as refusal:
        return refusal


def assert_nothing_held(shop, checkout):
    assert not Order.objects.exists()
    assert shop.holds(checkout.payment.reference) == []
    assert StockItem.objects.get().reserved == 0
    assert Reservation.objects.get().state == "released"


def test_while_it_is_in_review_it_holds_stock_and_money_and_takes_none(api, shop, in_review):
    world.drive_everything(3, seconds=600)

    assert Checkout.objects.get().state == "in_review"
    assert StockItem.objects.get().reserved == 2
    assert len(shop.holds(in_review.payment.reference)) == 1
    assert shop.effects(in_review.payment.reference, "capture") == []


def test_approved_twice_it_is_one_order(api, shop, in_review):
    approve(in_review)

    again = approve(in_review, by="staff:ben")

    assert isinstance(again, reviews.NotInReview)
    assert Order.objects.count() == 1
    assert len(shop.effects(in_review.payment.reference, "authorization")) == 1


def test_an_approval_at_the_last_moment_and_the_end_of_the_time_have_one_winner(
    api, shop, in_review, settings
):
    world.later(settings.REVIEW_SECONDS - 1)
    at_once(
        [
            lambda: approve(in_review),
            lambda: world.later(2) or recover_checkouts(limit=5),
            lambda: recover_checkouts(limit=5),
        ]
    )
    world.drive_everything(6)

    payment = Payment.objects.get()
    assert shop.holds(payment.reference) == []
    if Order.objects.exists():
        assert (Checkout.objects.get().state, payment.state) == ("completed", "captured")
    else:
        assert_nothing_held(shop, in_review)


def test_an_approval_after_the_end_of_the_time_is_refused(api, shop, in_review, settings):
    world.later(settings.REVIEW_SECONDS + 1)

    assert isinstance(approve(in_review), reviews.NotInReview)

    world.drive_everything(4)
    assert_nothing_held(shop, in_review)


def test_the_hold_that_died_meanwhile_makes_no_order(api, shop, in_review):
    world.release_behind_our_back(in_review.payment)

    approve(in_review)
    world.drive_everything(4)

    assert_nothing_held(shop, in_review)


def test_a_client_that_gives_up_takes_it_off_the_desk(api, shop, in_review):
    assert give_up(api, in_review).status_code == 200

    assert isinstance(approve(in_review), reviews.NotInReview)
    assert_nothing_held(shop, in_review)


def test_giving_up_and_approving_at_once_have_one_winner(api, shop, in_review):
    gave_up, _ = at_once([lambda: give_up(api, in_review), lambda: approve(in_review)])
    world.drive_everything(6)

    if Order.objects.exists():
        assert gave_up.status_code == 409
    else:
        assert gave_up.status_code in (200, 202)
        assert_nothing_held(shop, in_review)


def test_a_client_that_asks_hears_that_a_person_is_at_it(api, in_review):
    reply = confirm(api, in_review)

    assert (reply.status_code, reply.json()["status"]) == (202, "in_review")


def test_a_hold_that_died_during_the_review_is_let_go_in_the_books_too(shop, in_review):
    world.release_behind_our_back(in_review.payment)

    approve(in_review)
    world.drive_everything(2)

    assert_nothing_held(shop, in_review)
    payment = Payment.objects.get()
    assert (payment.state, payment.voided_amount, payment.capturable) == ("voided", 4298, 0)
    ledger_witness.agree(shop)
