"""COMMIT was sent and nobody answers: the rows are read again, and what is true is told."""

import pytest
from django.db import OperationalError, connection, transaction

from foundation.models import IdempotencyKey
from foundation.transactions import CommitInDoubt, durable, surely
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Order, Reservation, StockItem
from payments.models import Payment
from tests import builders
from tests.invariants.test_rules import broken
from tests.stories import world

T1, T2 = 1, 2


@pytest.fixture
def wish():
    return {"key": builders.a_key(), "body": builders.a_purchase()}


def asked(shop):
    """What the processor was asked about the one payment, in order."""
    return [entry["operation"] for entry in shop.requests(Payment.objects.get().reference)]


@pytest.mark.parametrize("made", [Checkout, Order])
def test_a_commit_whose_answer_is_lost_is_answered_with_what_is_true(
    api, shop, wish, monkeypatch, made
):
    lost = world.lose_commit(monkeypatch, when=made.objects.exists)
    reply = api.checkout(**wish)

    assert lost
    assert (reply.status_code, reply.json()["status"]) == (201, "completed")
    assert asked(shop) == ["create"]
    assert len(shop.holds(Payment.objects.get().reference)) == 1
    assert api.checkout(**wish).content == reply.content
    assert broken() == set()


@pytest.mark.parametrize("number", [T1, T2])
def test_a_commit_that_never_arrived_is_made_again(api, shop, wish, monkeypatch, number):
    world.cut_the_line_at_commit(monkeypatch, number=number, is_sent=False)
    reply = api.checkout(**wish)

    assert reply.status_code == 201
    assert asked(shop).count("create") == 1
    assert Order.objects.count() == 1
    assert StockItem.objects.get().reserved == 2
    assert broken() == set()


@pytest.mark.parametrize(
    ("number", "table"), [(T1, "foundation_idempotencykey"), (T2, "orders_order")]
)
def test_a_commit_that_is_still_under_way_is_waited_for(
    api, shop, wish, monkeypatch, number, table
):
    with world.slow_to_commit(table):
        world.cut_the_line_at_commit(monkeypatch, number=number, is_sent=True)
        reply = api.checkout(**wish)

    assert reply.status_code == 201
    assert asked(shop) == ["create"]
    assert Order.objects.count() == 1
    assert IdempotencyKey.objects.count() == 1
    assert broken() == set()


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_decline_whose_commit_is_in_doubt_is_told_as_it_is(api, shop, monkeypatch, is_sent):
    key, body = builders.a_key(), builders.a_purchase(payment_method=builders.decline())
    world.cut_the_line_at_commit(monkeypatch, number=T2, is_sent=is_sent)
    reply = api.checkout(body, key=key)

    assert (reply.status_code, reply.json()["code"]) == (402, "payment_declined")
    assert api.checkout(body, key=key).content == reply.content
    assert StockItem.objects.get().reserved == 0
    assert broken() == set()


def test_a_refusal_at_home_whose_commit_is_in_doubt_is_told_as_it_is(api, monkeypatch):
    too_many = builders.a_purchase(lines=[{"sku": "MUG-BLUE", "quantity": 1_000}])
    world.cut_the_line_at_commit(monkeypatch, number=T1, is_sent=True)

    assert api.checkout(too_many).json()["code"] == "out_of_stock"
    assert not Reservation.objects.filter(state="held").exists()


def test_an_unknown_outcome_whose_commit_is_in_doubt_is_202(api, monkeypatch):
    body = builders.a_purchase(payment_method=builders.faulty("timeout_after"))
    world.cut_the_line_at_commit(monkeypatch, number=T2, is_sent=True)
    reply = api.checkout(body)

    assert (reply.status_code, reply.json()["status"]) == (202, "processing")
    assert Payment.objects.get().state == "unknown"


def test_a_takeover_whose_commit_is_in_doubt_goes_on(api, shop, wish, monkeypatch):
    with monkeypatch.context() as patched:
        world.die_after(patched, "authorize")
        with pytest.raises(world.ProcessDied):
            api.checkout(**wish)
    world.later()
    world.cut_the_line_at_commit(monkeypatch, number=T1, is_sent=True)

    assert api.checkout(**wish).status_code == 201
    assert len(shop.effects(Payment.objects.get().reference, "authorization")) == 1


def test_who_was_overtaken_while_in_doubt_is_told_to_wait(api, shop, wish, monkeypatch):
    def another_runner():
        world.later()
        return bool(recover_checkouts(limit=5))

    lost = world.lose_commit(
        monkeypatch, when=lambda: Payment.objects.exists() and another_runner()
    )
    reply = api.checkout(**wish)

    assert lost
    assert reply.status_code in (201, 409)
    world.drive_everything(2)
    assert api.checkout(**wish).status_code == 201
    assert len(shop.effects(Payment.objects.get().reference, "authorization")) == 1


def test_a_database_that_stays_away_is_503_and_unknown(api, wish, monkeypatch):
    with monkeypatch.context() as patched:
        world.cut_the_line_at_commit(patched, number=T2, is_sent=True)
        real = connection.connect

        def gone():
            patched.setitem(connection.settings_dict, "HOST", "127.0.0.1")
            patched.setitem(connection.settings_dict, "PORT", "9")
            real()

        patched.setattr(connection, "connect", gone)
        connection.ensure_connection()
        reply = api.checkout(**wish)
    world.reconnect()

    assert (reply.status_code, reply.json()["charge_state"]) == (503, "unknown")
    world.later()
    assert api.checkout(**wish).status_code == 201


def test_an_error_that_the_server_tells_at_commit_leaves_no_doubt(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE FUNCTION conflicts() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END $$;
            CREATE CONSTRAINT TRIGGER conflicting AFTER INSERT ON orders_stockitem
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION conflicts();
            """
        )
    try:
        with pytest.raises(OperationalError) as told, durable():
            builders.a_product("CUP")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "DROP TRIGGER conflicting ON orders_stockitem; DROP FUNCTION conflicts()"
            )

    assert not isinstance(told.value, CommitInDoubt)
    assert not StockItem.objects.exists()


@pytest.mark.parametrize("is_sent", [True, False])
def test_surely_does_it_once_whatever_became_of_the_commit(transactional_db, monkeypatch, is_sent):
    def attempt():
        with durable():
            StockItem.objects.update(on_hand=7)
            builders.a_product(f"CUP-{len(tries)}")
        tries.append(True)
        return "made"

    def happened():
        wait_for_whoever_writes_stock()
        return "was made" if StockItem.objects.exists() else None

    tries = []
    world.cut_the_line_at_commit(monkeypatch, number=1, is_sent=is_sent)

    assert surely(attempt, happened=happened) == ("was made" if is_sent else "made")
    assert StockItem.objects.count() == 1


def test_a_commit_in_doubt_is_never_taken_for_a_rollback(transactional_db, monkeypatch):
    world.cut_the_line_at_commit(monkeypatch, number=1, is_sent=True)
    with pytest.raises(CommitInDoubt), durable():
        builders.a_product("CUP")

    wait_for_whoever_writes_stock()
    assert StockItem.objects.get().sku == "CUP"


def wait_for_whoever_writes_stock():
    """The server may still be at a COMMIT whose sender is gone; its lock says how long."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE orders_stockitem IN SHARE MODE")
