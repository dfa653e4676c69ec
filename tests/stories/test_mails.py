"""What the shopper is told: each thing once, in words that are true, and no mail holds up another.

The chains' tasks are run by the switchboard of tests/stories/world.py; so are time and the sweeps.
"""

import threading
from contextlib import suppress

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from foundation.ids import new_id
from foundation.models import AuditEntry, Case
from foundation.transactions import durable
from orders import letters, mails, notifications, repayment, timeline
from orders.cancellation import coverage
from orders.fulfillment import rows
from orders.models import Notification, Order, Product
from payments.models import Refund
from payments.services import refund
from tests import builders
from tests.invariants.test_rules import broken
from tests.races.crowd import at_once
from tests.races.explorer.controls import naive, without_unique
from tests.stories import world
from tests.stories.orders.desk import cancel, ship_everything
from tests.stories.test_staff import somebody

REAL_SEND = EmailBackend.send_messages


@pytest.fixture
def paid(api):
    """An order that is captured and confirmed; its confirmation is not looked at any more."""
    order = world.an_order(api)
    world.play_events()
    mail.outbox.clear()
    return now(order)


@pytest.fixture
def stopped(paid):
    """It has to be paid for again, and nobody was told yet."""
    stop(paid)
    return now(paid)


def now(order):
    return Order.objects.select_related("payment", "checkout").get(pk=order.pk)


def stop(order):
    with durable():
        coverage.stop_for_payment(rows.locked(order.pk), reason="its hold is gone")


def give_back(order, amount):
    return refund.refund(order.payment_id, by="test", reason="came back", amount=amount)


def refuse(monkeypatch, *, containing=""):
    """The mail server refuses every mail, or those whose subject contains this."""

    def send(self, messages):
        if any(containing in message.subject for message in messages):
            raise ConnectionRefusedError("not now")
        return REAL_SEND(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send)


def subjects():
    return [message.subject for message in mail.outbox]


def ids_of(messages):
    return [message.extra_headers["Message-ID"] for message in messages]


def html_of(message):
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    return html


# --- refunds ------------------------------------------------------------------------------------


def test_a_refund_in_parts_is_one_mail_for_each_part(paid):
    give_back(paid, 1000)
    give_back(paid, 298)
    world.play_events()
    world.drive_everything(3)

    assert subjects() == [
        f"10.00 USD back for your order {paid.public_number}",
        f"2.98 USD back for your order {paid.public_number}",
    ]
    assert len(set(ids_of(mail.outbox))) == 2
    assert all("card ending in 4242" in message.body for message in mail.outbox)


def test_a_refund_whose_message_was_lost_is_told_of_all_the_same_and_once(paid):
    give_back(paid, 1000)
    world.lose_events()
    assert mail.outbox == []

    assert mails.send_due(limit=10) == 1
    assert mails.send_due(limit=10) == 0
    world.drive_everything(2)

    assert len(mail.outbox) == 1
    assert Refund.objects.get().announced_at is not None


def test_a_refund_whose_end_is_not_known_is_not_told_of(paid, shop):
    shop.fault("refund", "timeout_before", times=1, seconds=2)
    made = give_back(paid, 1000)
    assert made.state == "pending"

    assert not notifications.tell_of_refund(made.pk)
    assert mails.send_due(limit=10) == 0
    assert mail.outbox == []


def test_a_refund_that_came_back_before_its_mail_left_is_not_told_of(paid, monkeypatch):
    made = give_back(paid, 1000)
    with monkeypatch.context() as patched:
        refuse(patched)
        with pytest.raises(ConnectionRefusedError):
            notifications.tell_of_refund(made.pk)
    Refund.objects.filter(pk=made.pk).update(state="failed")

    world.later(61)
    mails.send_due(limit=10)

    assert mail.outbox == []
    assert Notification.objects.get(refund=made).state == "obsolete"


def test_an_order_that_is_canceled_and_refunded_says_both(paid, api):
    cancel(api, paid)
    world.play_events()

    assert sorted(subjects()) == [
        f"42.98 USD back for your order {paid.public_number}",
        f"Your order {paid.public_number} is canceled",
    ]


def test_a_sweep_that_finds_nothing_costs_three_looks(paid, django_assert_num_queries):
    with django_assert_num_queries(3):  # mails that wait, refunds, orders that wait for money
        assert mails.send_due(limit=10) == 0


# --- an order that has to be paid for again -----------------------------------------------------


def test_an_order_that_stopped_is_told_of_once(stopped):
    world.play_events()
    world.drive_everything(3)

    assert subjects() == [f"Your order {stopped.public_number} has to be paid for again"]


def test_a_stop_whose_message_was_lost_is_told_of_all_the_same(stopped):
    world.lose_events()

    assert mails.send_due(limit=10) == 1
    assert mails.send_due(limit=10) == 0

    assert subjects() == [f"Your order {stopped.public_number} has to be paid for again"]


def test_a_second_stop_is_told_of_again(stopped):
    mails.send_due(limit=10)
    with durable():
        repayment.go_on(rows.locked(stopped.pk), reason="paid")
    stop(stopped)

    mails.send_due(limit=10)

    assert len(set(ids_of(mail.outbox))) == 2
    assert Notification.objects.filter(template="payment_required").count() == 2


def test_an_order_that_was_paid_before_its_mail_left_is_not_asked_for_money(stopped, monkeypatch):
    with monkeypatch.context() as patched:
        refuse(patched)
        mails.send_due(limit=10)
    with durable():
        repayment.go_on(rows.locked(stopped.pk), reason="paid")

    world.later(61)
    mails.send_due(limit=10)

    assert mail.outbox == []
    assert Notification.objects.get(template="payment_required").state == "obsolete"


def test_a_mail_about_money_says_what_is_kept_and_what_is_missing(stopped):
    stopped.payment.captured_amount = 1000
    letter = letters.write(stopped, letters.Topic(letters.PAYMENT_REQUIRED, 1))
    for text in (letter.text, letter.html):
        assert "10.00 USD" in text
        assert "32.98 USD" in text
        assert "You were not charged" not in text


# --- each once ----------------------------------------------------------------------------------


def test_a_worker_killed_between_sending_and_marking_sends_the_same_mail_again(paid, monkeypatch):
    made = give_back(paid, 1000)

    def fatal(self, messages):
        REAL_SEND(self, messages)
        raise world.ProcessDied

    with monkeypatch.context() as patched:
        patched.setattr(EmailBackend, "send_messages", fatal)
        with pytest.raises(world.ProcessDied):
            notifications.tell_of_refund(made.pk)
    assert mails.send_due(limit=10) == 0  # somebody may be at it

    world.later(61)
    assert mails.send_due(limit=10) == 1

    first, second = ids_of(mail.outbox)
    assert first == second
    assert Notification.objects.get(refund=made).state == "sent"


def test_two_workers_at_once_send_one_mail(paid):
    made = give_back(paid, 1000)

    told = at_once([lambda: notifications.tell_of_refund(made.pk)] * 2)

    assert sorted(told) == [False, True]
    assert len(mail.outbox) == 1


def test_without_the_unique_row_two_workers_send_two(paid):
    """The control: looked up and then written down, both find nothing."""
    made, both_looked = give_back(paid, 1000), threading.Barrier(2)

    def claim_by_looking_first(order, topic):
        same = {"order": order, "template": topic.template, "refund_id": topic.refund_id}
        assert not Notification.objects.filter(**same).exists()
        both_looked.wait(30)
        return Notification.objects.create(
            recipient=order.email, leased_until=notifications.lease(), **same
        )

    unique = "order_id, template, number, refund_id, version"
    with (
        without_unique("orders_notification", unique),
        naive(notifications, _claim=claim_by_looking_first),
    ):
        at_once([lambda: notifications.tell_of_refund(made.pk)] * 2)
        Notification.objects.all().delete()

    assert len(mail.outbox) == 2


def test_a_mail_refused_five_times_is_a_case_and_the_others_go(paid, monkeypatch):
    refuse(monkeypatch, containing="is on its way")
    ship_everything(paid)
    give_back(paid, 1000)

    with suppress(ConnectionRefusedError):
        world.play_events()
    for _ in range(6):
        world.later(3601)
        world.sweep()
    world.play_events()

    mail_of_shipment = Notification.objects.get(template="fulfillment_shipped")
    assert (mail_of_shipment.state, mail_of_shipment.attempts) == ("given_up", 5)
    assert mail_of_shipment.last_error == "ConnectionRefusedError: not now"
    assert Case.objects.get(kind="mail_given_up").aggregate_id == paid.pk
    assert broken() == set()
    assert subjects() == [f"10.00 USD back for your order {paid.public_number}"]
    assert mails.send_due(limit=10) == 0


def test_a_mail_that_fails_waits_four_times_as_long_each_time(paid, monkeypatch):
    refuse(monkeypatch)
    with pytest.raises(ConnectionRefusedError):
        notifications.tell_of_refund(give_back(paid, 1000).pk)

    tries = []
    for minute in range(1, 25):
        world.later(60.5)
        mails.send_due(limit=10)
        tries.append((minute, Notification.objects.get(template="refund_succeeded").attempts))

    assert min(minute for minute, attempts in tries if attempts == 2) == 1
    assert min(minute for minute, attempts in tries if attempts == 3) == 5
    assert min(minute for minute, attempts in tries if attempts == 4) == 21


def test_one_mail_that_fails_does_not_keep_the_next_one_of_its_order(api, monkeypatch):
    order = world.an_order(api)
    world.play_events()
    Notification.objects.all().delete()
    mail.outbox.clear()
    ship_everything(order)
    refuse(monkeypatch, containing="Your order R")

    with pytest.raises(ConnectionRefusedError):
        notifications.tell_each(now(order), notifications.due(now(order)))

    assert Notification.objects.count() == 2


def test_a_mail_given_up_that_no_case_tells_of_breaks_a_rule(paid):
    given_up = {"sent_at": None, "given_up_at": paid.placed_at}
    Notification.objects.filter(order=paid).update(**given_up)

    assert broken() == {"mails_are_sent_or_seen"}


# --- what they say ------------------------------------------------------------------------------


MARKUP = '<img src=x onerror="alert(1)">&'


@pytest.fixture
def odd_names(api):
    """A title and a name that are markup."""
    Product.objects.update(title=f"Mug {MARKUP}")
    address = builders.a_purchase()["shipping_address"] | {"name": f"Bobby {MARKUP}"}
    return world.an_order_of(api, builders.a_purchase(shipping_address=address))


@pytest.mark.parametrize("template", letters.TEMPLATES)
def test_names_are_text_and_never_markup(odd_names, template):
    letter = letters.example(odd_names, template)

    assert "<img" not in letter.html
    assert "&lt;" not in letter.text
    assert "&amp;" not in letter.text


def test_names_come_through_as_they_were_written(odd_names):
    letter = letters.write(odd_names, letters.Topic(letters.PLACED))

    assert f"Mug {MARKUP}" in letter.text
    assert f"Bobby {MARKUP}" in letter.text
    assert "Bobby &lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;" in letter.html


@pytest.mark.parametrize("template", letters.TEMPLATES)
def test_every_mail_is_text_and_html_that_needs_nothing_from_elsewhere(odd_names, template):
    letter = letters.example(odd_names, template)

    assert odd_names.public_number in letter.text
    assert odd_names.public_number in letter.html
    for outside in ("http:", "https:", "<script", "<link", "url(", "src="):
        assert outside not in letter.html.replace("src=x", "")


def test_a_subject_is_one_line_whatever_it_names(paid, monkeypatch):
    monkeypatch.setattr(Order, "public_number", "R1\r\nBcc: all@example.com")

    letter = letters.write(paid, letters.Topic(letters.PLACED))

    assert letter.subject == "Your order R1 Bcc: all@example.com"


@pytest.mark.parametrize(
    ("currency", "country", "amount", "total", "part"),
    [("JPY", "JP", 1980, "4,460 JPY", "1 JPY"), ("KWD", "KW", 6250, "13.500 KWD", "0.001 KWD")],
)
def test_amounts_have_the_decimals_of_their_currency(api, currency, country, amount, total, part):
    builders.a_product("BOWL", amount=amount, currency=currency)
    address = builders.a_purchase()["shipping_address"] | {"country": country, "region": ""}
    lines = [{"sku": "BOWL", "quantity": 2}]
    order = world.an_order_of(
        api, builders.a_purchase(currency=currency, lines=lines, shipping_address=address)
    )
    world.play_events()
    give_back(order, 1)
    world.play_events()

    placed, refunded = mail.outbox
    assert total in placed.body
    assert total in html_of(placed)
    assert refunded.subject.startswith(f"{part} back")
    assert part in html_of(refunded)


def test_a_shop_with_a_page_of_its_own_is_linked_to(paid, settings):
    settings.MAIL_ORDER_URL = "https://shop.example/orders/{number}?a=1&b=2"

    letter = letters.write(paid, letters.Topic(letters.PLACED))

    assert f"https://shop.example/orders/{paid.public_number}?a=1&b=2" in letter.text
    assert f'href="https://shop.example/orders/{paid.public_number}?a=1&amp;b=2"' in letter.html


# --- staff --------------------------------------------------------------------------------------


@pytest.fixture
def cara(shop):
    """May send a mail again."""
    return somebody("cara", "resend_notification")


def placed_mail(order):
    return Notification.objects.get(order=order, template="order_placed", version=1)


def test_looking_at_the_mails_of_an_order_sends_nothing_and_writes_nothing(paid):
    shown = somebody("viewer").page("orders_order_mails", paid.pk)

    assert shown.count("<iframe") == len(letters.TEMPLATES)
    assert shown.count(" sandbox srcdoc=") == len(letters.TEMPLATES)
    assert "<script>" not in shown.partition("<iframe")[2].partition("</iframe>")[0]
    assert "An example: it was not sent." in shown
    assert mail.outbox == []
    assert Notification.objects.count() == 1


def test_a_mail_is_sent_again_as_its_next_version_with_a_reason_on_record(paid, cara):
    token = cara.form("orders_order_resend", paid)
    status, page = cara.send(
        "orders_order_resend", paid, token=token, reason="not in the inbox",
        mail=str(placed_mail(paid).pk),
    )  # fmt: skip

    assert status == 302
    assert "Version 2 is sent." in page
    again = Notification.objects.get(version=2)
    assert (again.actor, again.reason) == ("staff:cara", "not in the inbox")
    assert ".v2." in ids_of(mail.outbox)[0]
    entry = AuditEntry.objects.get(action="order.resend_mail")
    assert (entry.actor, entry.reason, entry.aggregate_id) == (
        "staff:cara", "not in the inbox", paid.pk,
    )  # fmt: skip
    assert (entry.before["version"], entry.after["version"]) == (1, 2)


def test_the_form_counts_once(paid, cara):
    fields = {
        "token": cara.form("orders_order_resend", paid), "reason": "not in the inbox",
        "mail": str(placed_mail(paid).pk),
    }  # fmt: skip

    for _ in range(2):
        cara.send("orders_order_resend", paid, **fields)

    assert len(mail.outbox) == 1
    assert AuditEntry.objects.filter(action="order.resend_mail").count() == 1


def test_without_the_permission_it_is_403_and_nothing_is_sent(paid):
    viewer = somebody("viewer")

    reply = viewer.get("orders_order_resend", paid.pk)
    status, _ = viewer.send("orders_order_resend", paid, reason="please", token="x")

    assert (reply.status_code, status) == (403, 403)
    assert mail.outbox == []
    assert Notification.objects.count() == 1


def test_of_two_people_at_once_one_sends_it_and_the_other_is_told(paid, monkeypatch):
    first, second = (mails.Again(f"staff:{n}", "asked", new_id()) for n in ("a", "b"))
    told = []

    def meanwhile(self, messages):
        monkeypatch.setattr(EmailBackend, "send_messages", REAL_SEND)
        with pytest.raises(mails.MailStillWaiting):
            world.elsewhere(lambda: mails.resend(placed_mail(paid).pk, second))
        told.append(True)
        return REAL_SEND(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", meanwhile)
    mails.resend(placed_mail(paid).pk, first)

    assert told == [True]
    assert len(mail.outbox) == 1


def test_a_mail_sent_again_that_fails_is_tried_by_the_sweep(paid, monkeypatch):
    again = mails.Again("staff:cara", "not in the inbox", new_id())
    with monkeypatch.context() as patched:
        refuse(patched)
        with pytest.raises(ConnectionRefusedError):
            mails.resend(placed_mail(paid).pk, again)

    world.later(61)
    assert mails.send_due(limit=10) == 1

    assert ".v2." in ids_of(mail.outbox)[0]


def test_a_mail_that_is_not_true_any_more_is_not_sent_again(paid, api):
    cancel(api, paid)
    world.play_events()
    mail.outbox.clear()

    with pytest.raises(mails.MailObsolete):
        mails.resend(placed_mail(paid).pk, mails.Again("staff:a", "asked", new_id()))
    assert mail.outbox == []


def test_the_page_of_an_order_lists_its_mails_with_their_state(paid, monkeypatch):
    refuse(monkeypatch)
    with pytest.raises(ConnectionRefusedError):
        notifications.tell_of_refund(give_back(paid, 1000).pk)

    page = somebody("viewer").page("orders_order_change", paid.pk)

    assert "refund succeeded 1" in page
    assert "ConnectionRefusedError: not now" in page


def test_the_timeline_tells_of_refunds_mailed_and_mails_sent_again(paid, api):
    notifications.tell_of_refund(give_back(paid, 1000).pk)
    mails.resend(placed_mail(paid).pk, mails.Again("staff:a", "secret", new_id()))

    told = [entry for entry in timeline.of_order(paid) if entry["kind"] == "notification"]
    seen = api.get(f"/v1/orders/{paid.reference}/timeline")

    assert [entry["what"] for entry in told] == [
        "order_placed", "refund_succeeded", "order_placed, version 2",
    ]  # fmt: skip
    assert (told[1]["amount"], told[1]["currency"]) == (1000, "USD")
    assert (told[2]["actor"], told[2]["reason"]) == ("staff:a", "secret")
    assert b"secret" not in seen.content
    assert b"staff:a" not in seen.content
