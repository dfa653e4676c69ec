"""kill -9 of web before, during and after the processor call: one order and one hold, or none.

The client does not come back until everything is over; then it hears what became of it.
"""

import threading

import httpx
import pytest

from tests.e2e import books

pytestmark = pytest.mark.e2e


class Shopper:
    """Presses Pay from a thread of its own, and may be cut off."""

    def __init__(self, house, wish):
        self.reply = None
        self._call = lambda: house.checkout(wish[0], key=wish[1])
        self._thread = threading.Thread(target=self._press, daemon=True)
        self._thread.start()

    def _press(self):
        try:
            self.reply = self._call()
        except httpx.TransportError as error:
            self.reply = error

    def was_cut_off(self):
        self._thread.join(timeout=30)
        return isinstance(self.reply, httpx.TransportError)


def the_payment(house, wish):
    """The reference of the wish's payment once its intent is committed."""
    books.eventually(lambda: books.payments(house, [wish]))
    return books.payments(house, [wish])[0][0]


def has_reached(house, payment):
    """Whether the processor has the request, and how many effects it had by now."""
    return bool(house.witness.requests(payment)), len(house.witness.effects(payment))


def kill_before_the_call_arrives(house, wish):
    """The intent is committed; the request lies unread before a processor that then dies, too."""
    with house.frozen("sandbox"):
        shopper = Shopper(house, wish)
        payment = the_payment(house, wish)
        house.kill("web")
        house.kill("sandbox")
    house.revive("sandbox")
    assert has_reached(house, payment) == (False, 0)
    house.revive("web")
    return shopper


def press_and_stop_before_the_commit(house, wish, connection):
    """The answer has come; the transaction that would make it an order waits for its key's row."""
    wish[0]["payment_method"] = books.slow_card("slow", 1)
    shopper = Shopper(house, wish)
    payment = the_payment(house, wish)
    connection.execute(
        "SELECT 1 FROM foundation_idempotencykey WHERE key = %s FOR UPDATE", [wish[1]]
    )
    books.eventually(lambda: house.waiting_for("foundation_idempotencykey"))
    assert has_reached(house, payment) == (True, 1)
    return shopper


def kill_at_four_moments(house, working, answering, declined, committing):
    """One kill: the processor works, has held and not answered, has declined, has answered."""
    working[0]["payment_method"] = books.slow_card("slow", 2)
    answering[0]["payment_method"] = books.slow_card("timeout_after", 2)
    declined[0]["payment_method"] = "pm_card_chargeDeclined__fault_timeout_after_2"
    with house.database() as connection, connection.transaction():
        shoppers = [press_and_stop_before_the_commit(house, committing, connection)]
        shoppers += [Shopper(house, wish) for wish in (working, answering, declined)]
        references = [the_payment(house, wish) for wish in (working, answering, declined)]
        books.eventually(
            lambda: (
                [has_reached(house, each)[0] for each in references] == [True] * 3
                and has_reached(house, references[1]) == (True, 1)
            )
        )
        house.kill("web")
        assert has_reached(house, references[0]) == (True, 0)
    assert books.orders(house, [working, answering, declined, committing]) == []
    return shoppers


def test_web_killed_at_any_moment_leaves_one_order_and_one_hold_or_nothing(house):
    wishes = books.wishes(5)
    unread, working, answering, committing, declined = wishes
    shoppers = [kill_before_the_call_arrives(house, unread)]
    shoppers += kill_at_four_moments(house, working, answering, declined, committing)
    assert all(shopper.was_cut_off() for shopper in shoppers)

    # Nobody asks again, and web is not even there: the sweep goes on by itself.
    *bought, declined = wishes
    placed = books.finished(house, bought)
    books.once_each(house, placed)
    books.eventually(
        lambda: [state for _, state in books.payments(house, [declined])] == ["declined"]
    )
    (payment, _), *others = books.payments(house, [declined])
    assert (others, books.orders(house, [declined])) == ([], [])
    assert (house.witness.effects(payment), house.witness.holds(payment)) == ([], [])
    books.nothing_astray(house)

    house.revive("web")
    told = [house.checkout(body, key=key) for body, key in wishes]
    assert [reply.status_code for reply in told] == [201] * len(bought) + [402]
    assert all(reply.headers["Idempotent-Replayed"] == "true" for reply in told)
    assert [reply.json()["order"]["id"] for reply in told[:-1]] == [
        order.reference for order in placed
    ]
    books.once_each(house, books.orders(house, bought))


def test_a_client_that_comes_back_at_once_hears_wait_and_then_the_truth(house):
    (wish,) = wishes = books.wishes(payment_method=books.slow_card("timeout_after", 2))
    shopper = Shopper(house, wish)
    payment = the_payment(house, wish)
    books.eventually(lambda: house.witness.effects(payment, "authorization"))
    house.kill("web")
    assert shopper.was_cut_off()
    house.revive("web")

    heard = []

    def is_told():
        heard.append(house.checkout(wish[0], key=wish[1]))
        return heard[-1].status_code == 201

    books.eventually(is_told)
    assert {reply.status_code for reply in heard[:-1]} <= {409, 202}
    assert all(int(reply.headers["Retry-After"]) > 0 for reply in heard[:-1])
    placed = books.finished(house, wishes)
    books.once_each(house, placed)
    assert heard[-1].json()["order"]["id"] == placed[0].reference
