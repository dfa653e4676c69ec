"""Mails promise nothing that nobody does, and claim nothing about money that is not so."""

import pytest
from django.core import mail

from foundation.ids import new_id
from orders import letters, mails
from orders.letters import CANCELED, PAYMENT_REQUIRED, PLACED, SHIPPED, Topic
from orders.models import Fulfillment, Notification
from payments.models import Source
from payments.services.observe import look_and_observe
from tests.at_the_processor import Dashboard
from tests.stories import world
from tests.stories.orders.desk import cancel, ship_everything
from tests.stories.test_mails import html_of, now, paid, stopped  # noqa: F401 - fixtures
from tests.stories.test_staff import somebody


def both(letter):
    """The two parts in one line each: what one says the other says as well."""
    return [" ".join(part.split()) for part in (letter.text, letter.html)]


def test_a_shopper_whose_bank_took_the_money_back_is_not_told_he_was_not_charged(
    api, shop, paid  # noqa: F811
):  # fmt: skip
    dashboard = Dashboard(shop)
    dashboard.decide(dashboard.dispute(paid.payment), "lost")
    look_and_observe(paid.payment_id, by="test", source=Source.PROCESSOR)
    assert now(paid).payment.state == "charged_back"

    cancel(api, paid)
    world.play_events()

    (told,) = mail.outbox
    for part in (told.body, html_of(told)):
        assert "your bank has given back what you paid" in part
        assert "You were not charged" not in part


def test_a_shopper_who_was_not_charged_is_told_so(api, shop):
    order = world.an_order(api)
    cancel(api, order)

    letter = letters.write(now(order), Topic(CANCELED))

    assert all("You were not charged. The reservation" in part for part in both(letter))


@pytest.mark.parametrize(
    ("captured", "promised"),
    [(0, "charged for it after all, or to cancel it."), (1000, "still want the rest of it.")],
)
def test_a_shopper_is_not_promised_what_nobody_can_do(stopped, captured, promised):  # noqa: F811
    """Another card for the same order is not built, nor a new hold beside one taken in part."""
    stopped.payment.captured_amount = captured

    letter = letters.write(stopped, Topic(PAYMENT_REQUIRED, 1))

    for part in both(letter):
        assert promised in part
        assert "another card" not in part


def test_both_parts_tell_the_price_of_each_line_and_where_it_goes(paid):  # noqa: F811
    for part in both(letters.write(paid, Topic(PLACED))):
        assert "19.99 USD each" in part
        assert "1 Main St" in part


def test_both_parts_of_a_shipment_tell_where_it_goes_and_who_carries_it(paid):  # noqa: F811
    ship_everything(paid)
    Fulfillment.objects.update(carrier="DHL")

    for part in both(letters.write(paid, Topic(SHIPPED, 1))):
        assert "1 Main St" in part
        assert "DHL" in part


def test_a_shopper_is_not_flooded_with_one_mail(paid):  # noqa: F811
    first = Notification.objects.get(order=paid, template=PLACED)
    for _ in range(mails.VERSIONS_MAX - 1):
        mails.resend(first.pk, mails.Again("staff:a", "asked", new_id()))

    with pytest.raises(mails.MailSentOften):
        mails.resend(first.pk, mails.Again("staff:a", "asked", new_id()))

    assert len(mail.outbox) == mails.VERSIONS_MAX - 1
    page = somebody("cara", "resend_notification").get("orders_order_resend", paid.pk)
    assert page.status_code == 302  # there is nothing that could be sent again
