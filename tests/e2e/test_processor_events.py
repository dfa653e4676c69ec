"""Real processes, real deliveries: what the processor tells reaches the rows, whoever has died."""

import time

import pytest

from tests.at_the_processor import Dashboard
from tests.e2e import books
from tests.e2e.house import SETTINGS
from tests.e2e.test_killed_web import Shopper, the_payment

pytestmark = pytest.mark.e2e
LEASE_SECONDS = float(SETTINGS["CHECKOUT_LEASE_SECONDS"])


def test_the_processors_message_alone_finishes_a_checkout_whose_web_worker_was_killed(house):
    """Beat is dead, so no sweep runs, and no client comes back. The message may have come in time,
    or is delivered again; nobody works it before the lease of the dead is over."""
    house.kill("beat")
    house.kill("relay")
    (wish,) = wishes = books.wishes(payment_method=books.slow_card("timeout_after", 2))
    shopper = Shopper(house, wish)
    payment = the_payment(house, wish)
    books.eventually(lambda: house.witness.effects(payment, "authorization"))
    house.kill("web")
    assert shopper.was_cut_off()
    time.sleep(LEASE_SECONDS + 1)
    assert books.orders(house, wishes) == []

    house.revive("web")
    house.revive("relay")

    placed = books.finished(house, wishes)
    books.once_each(house, placed)
    told = house.rows(
        """SELECT state, outcome FROM payments_processorevent
           WHERE type = 'payment_intent.amount_capturable_updated' AND reference = %s""",
        payment,
    )
    assert [row["state"] for row in told] == ["processed"], told
    books.nothing_astray(house)


def test_a_refund_made_in_the_processors_dashboard_reaches_our_rows(house):
    wishes = books.wishes()
    house.burst(wishes)
    (placed,) = books.finished(house, wishes)
    (row,) = house.rows(
        "SELECT processor_reference FROM payments_payment WHERE id = %s", placed.payment_id
    )

    Dashboard(house.witness).refund(row["processor_reference"], 500)

    refunded = "SELECT refunded_amount FROM payments_payment WHERE id = %s"
    books.eventually(lambda: house.rows(refunded, placed.payment_id)[0]["refunded_amount"] == 500)
    sources = house.rows(
        "SELECT source FROM payments_paymenttransaction WHERE payment_id = %s AND kind = 'refund'",
        placed.payment_id,
    )
    assert [row["source"] for row in sources] == ["processor"]
