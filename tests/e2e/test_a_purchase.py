"""A purchase over HTTP, finished by real processes; and one key from everywhere at once."""

import pytest

from tests.e2e import books

pytestmark = pytest.mark.e2e
MANY = 64


def test_a_purchase_is_captured_owed_by_the_warehouse_and_confirmed_by_one_mail(house):
    wish = books.wishes()
    body, key = wish[0]

    reply = house.checkout(body, key=key)

    assert reply.status_code == 201, reply.text
    assert reply.headers["Location"] == f"/v1/orders/{reply.json()['order']['id']}"
    placed = books.finished(house, wish)
    books.once_each(house, placed)
    books.nothing_astray(house)
    shown = house.get(reply.headers["Location"]).json()
    assert (shown["status"], shown["payment_status"]) == ("fulfilling", "captured")


def test_64_requests_with_one_key_are_one_order_and_one_authorization(house):
    """Slow enough that all arrive while the first is at work, and some after it."""
    wish = books.wishes(payment_method=books.slow_card("slow", 1))
    body, key = wish[0]

    replies = house.at_once(wish * MANY)

    bought = [reply for reply in replies if reply.status_code == 201]
    busy = [reply for reply in replies if reply.status_code == 409]
    assert len(bought) + len(busy) == MANY, {reply.status_code for reply in replies}
    assert busy, "nobody came while the first was at work"
    assert {reply.json()["code"] for reply in busy} == {"idempotency_in_progress"}
    assert all(int(reply.headers["Retry-After"]) > 0 for reply in busy)
    first = [reply for reply in bought if "Idempotent-Replayed" not in reply.headers]
    assert len(first) == 1
    again = house.checkout(body, key=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert {reply.content for reply in [*bought, again]} == {first[0].content}
    books.once_each(house, books.finished(house, wish))
    (payment, _), *others = books.payments(house, wish)
    assert not others
    asked = [each for each in house.witness.requests(payment) if each["operation"] == "create"]
    assert len(asked) == 1
