"""`If-Match` on whatever changes one thing: who read an older copy changes nothing."""

import time
from collections import Counter

import pytest

from foundation.models import AuditEntry, IdempotencyKey, Transition
from orders import selectors
from orders.models import Order
from payments import representations
from payments.models import Payment, Refund
from payments.services import steps
from payments.views import moving
from tests import builders
from tests.api.conftest import Caller
from tests.api.paths import EVERY
from tests.api.world import a_world
from tests.conftest import Api
from tests.races.crowd import at_once
from tests.stories.payments.moves import Till

CONDITIONAL = [(place, method) for place, method in EVERY if place.operations[method].changes_one]
STALE = ('"0f0e0d0c0b0a09080706050403020100"', "", ",", "nonsense")


@pytest.fixture
def world(api):
    return a_world(api)


@pytest.fixture
def reader(api):
    """Somebody who may do everything, and sees everything."""
    _, key = builders.a_client(sees_all=True)
    return Caller(key)


def target(place, world):
    """The path of an action, and of what it changes."""
    path = place.at(world.get(place.prefix, "")).replace("NO-SUCH-MUG", "MUG-BLUE")
    return path, "/".join(path.split("/")[:4])


def done_so_far():
    return {
        kind.__name__: kind.objects.count()
        for kind in (IdempotencyKey, Transition, AuditEntry, Refund)
    }


def test_every_change_of_one_thing_heeds_if_match():
    changing = {
        (place, method)
        for place, method in EVERY
        if place.has_id and place.needs_a_key and method in ("POST", "PATCH", "DELETE")
    }

    assert changing == set(CONDITIONAL)
    assert len(CONDITIONAL) == 17


@pytest.mark.parametrize("tag", STALE, ids=["another", "empty", "no tag", "nonsense"])
def test_who_has_no_copy_of_now_does_nothing_and_nothing_is_stored(reader, world, tag):
    before = done_so_far()
    for place, method in CONDITIONAL:
        path, _ = target(place, world)
        reply = reader.send(place, method, path=path, **{"If-Match": tag})

        assert reply.status_code == 412, (method, path, reply.content)
        assert reply.json()["code"] == "precondition_failed"
    assert done_so_far() == before


def test_who_has_the_copy_of_now_is_let_through(reader, world):
    last = {"DELETE": 1}
    for place, method in sorted(CONDITIONAL, key=lambda pair: last.get(pair[1], 0)):
        path, thing = target(place, world)
        tag = reader.client.get(thing, headers={"Authorization": f"Bearer {reader.key}"})["ETag"]
        reply = reader.send(place, method, path=path, **{"If-Match": tag})

        assert reply.status_code not in (400, 404, 412, 422, 500), (method, path, reply.content)


def test_a_repeat_hears_what_was_done_although_its_copy_is_old_by_then(api, world):
    path = f"/v1/payments/{world['pay']}"
    wish = {"key": builders.a_key(), "If-Match": api.get(path)["ETag"]}

    first = api.post(f"{path}/void", {}, **wish)
    again = api.post(f"{path}/void", {}, **wish)

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"


def test_a_refused_key_may_be_used_again(api, world):
    path, key = f"/v1/payments/{world['pay']}", builders.a_key()
    assert api.post(f"{path}/captures", {}, key=key, **{"If-Match": STALE[0]}).status_code == 412

    tag = api.get(path)["ETag"]
    assert api.post(f"{path}/captures", {}, key=key, **{"If-Match": tag}).status_code == 201


@pytest.mark.parametrize("verb", ["captures", "void"])
def test_a_payment_is_compared_under_its_lock(api, world, monkeypatch, verb):
    path = f"/v1/payments/{world['pay']}"
    tag, takes_the_lock = api.get(path)["ETag"], steps.lock_and_read

    def somebody_was_faster(payment):
        Payment.objects.filter(pk=payment.pk).update(decline_code="theirs")
        takes_the_lock(payment)

    monkeypatch.setattr(steps, "lock_and_read", somebody_was_faster)
    late = api.post(f"{path}/{verb}", {}, key=builders.a_key(), **{"If-Match": tag})

    assert late.status_code == 412, late.content
    assert Payment.objects.get().state == "authorized"


def test_an_order_is_compared_under_its_lock(api, world, monkeypatch):
    path = f"/v1/orders/{world['ord']}"
    tag, takes_the_lock = api.get(path)["ETag"], selectors.locked_order

    def somebody_was_faster(order_id):
        Order.objects.filter(pk=order_id).update(metadata={"note": "theirs"})
        return takes_the_lock(order_id)

    monkeypatch.setattr(selectors, "locked_order", somebody_was_faster)
    wish = {"lines": [{"sku": "MUG-BLUE", "quantity": 1}]}
    for late in (
        api.post(f"{path}/cancel", {}, key=builders.a_key(), **{"If-Match": tag}),
        api.post(f"{path}/fulfillments", wish, key=builders.a_key(), **{"If-Match": tag}),
    ):
        assert late.status_code == 412, late.content
    assert Order.objects.get().state == "placed"


def refunds_at_once(api, shop, *, count=8):
    """As many refunds of a part, each with a key of its own and the tag of the same copy."""
    assert api.checkout().status_code == 201
    payment = Payment.objects.get()
    Till(api, shop).capture(payment)
    path = f"/v1/payments/{payment.reference}"
    tag, body = api.get(path)["ETag"], {"amount": {"amount": 100, "currency": "USD"}}
    wishes = [
        lambda hand=hand: hand.post(
            f"{path}/refunds", body, key=builders.a_key(), **{"If-Match": tag}
        )
        for hand in [Api(api.key) for _ in range(count)]
    ]
    return Counter(reply.status_code for reply in at_once(wishes))


def test_of_many_at_once_who_read_the_same_copy_one_gives_back(api, shop):
    assert refunds_at_once(api, shop) == {201: 1, 412: 7}
    assert Refund.objects.count() == 1


def test_control_without_the_lock_several_of_them_give_back(api, shop, monkeypatch):
    def looks_only(payment):
        payment.refresh_from_db()
        shown = representations.payment(payment)
        time.sleep(0.1)
        return shown

    monkeypatch.setattr(moving, "_now", looks_only)

    assert refunds_at_once(api, shop)[201] > 1
