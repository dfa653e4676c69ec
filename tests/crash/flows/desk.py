"""What clients ask for after the order, each request under a key of its own."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.crash import outcomes, world
from tests.crash.facts import Facts, Row
from tests.crash.flows import Flow
from tests.crash.outcomes import Outcome
from tests.crash.scene import Scene

PART = 1000
_ALL = tuple(o for o in outcomes.EFFECTS if o is not outcomes.DECLINE)


def an_order(scene: Scene) -> None:
    """Placed and held, not told of yet."""
    scene.an_order()


def an_order_kept(scene: Scene) -> None:
    """Captured, owed by the warehouse, told."""
    scene.an_order()
    world.tell_everything(scene)


def a_shopper_back_from_the_bank(scene: Scene) -> None:
    """The card asked for its holder, who has passed."""
    own = scene.stage.body["payment_method"].split("__")[1]
    scene.stage.body["payment_method"] = f"pm_card_authenticationRequired__{own}"
    scene.buy()
    scene.sandbox.backstage(f"authenticate/{scene.payment().processor_reference}")


def _ask(scene: Scene, verb: str, body: dict[str, Any]) -> None:
    path = verb.format(
        order=scene.order_reference(),
        payment=scene.payment_reference(),
        checkout=scene.checkout().reference,
    )
    scene.post(path, body, key=f"{scene.stage.key}-own")


def asking(verb: str, **body: Any) -> Callable[[Scene], None]:
    """The request, with the same key however often it is sent."""
    return partial(_ask, verb=f"/v1/{verb}", body=body)


def usd(amount: int) -> dict[str, Any]:
    """Money, as the API has it."""
    return {"amount": amount, "currency": "USD"}


def it_is_canceled_or_kept(facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """Whole: canceled with no money kept and no stock held, or kept as if nobody had asked."""
    for order in facts.orders:
        payment = _payment_of(facts, order)
        kept = payment["captured_amount"] - payment["refunded_amount"]
        wanted = {"canceled": 0, "fulfilling": order["total_amount"]}
        if wanted.get(order["state"]) != kept:
            yield f"the order is {order['state']}, and {kept} were kept"
        if order["state"] == "canceled" and any(
            r["state"] != "released" for r in facts.reservations
        ):
            yield "canceled, and its stock is not back"


def it_is_taken_as_asked(facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """The part and no more, or all of it when the part was never asked for."""
    for payment in facts.payments:
        taken = sum(step["amount"] for step in facts.steps_of(payment, "capture"))
        if taken not in (PART, payment["authorized_amount"]):
            yield f"{taken} were taken"


def it_is_given_back_once(facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """The part once, or nothing."""
    for payment in facts.payments:
        if payment["refunded_amount"] not in (0, PART):
            yield f"{payment['refunded_amount']} were given back"


def it_is_bought(facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """The holder has passed: whoever comes finds an order."""
    if [checkout["state"] for checkout in facts.checkouts] != ["completed"]:
        yield f"the checkout is {[checkout['state'] for checkout in facts.checkouts]}"


def _payment_of(facts: Facts, order: Row) -> Row:
    return next(payment for payment in facts.payments if payment["id"] == order["payment_id"])


def _declared(
    name: str, verb: str, body: dict[str, Any], *, arrange: Callable[[Scene], None], strikes: str,
    expect: Callable[[Facts, Outcome], Iterator[str]],
) -> Flow:  # fmt: skip
    act = asking(verb, **body)
    return Flow(
        name=name, arrange=arrange, act=act, again=act, strikes=strikes, outcomes=_ALL,
        expect=expect,
    )  # fmt: skip


CANCEL_HELD = _declared(
    "cancel-held-order", "orders/{order}/cancel", {"reason": "customer asked"},
    arrange=an_order, strikes="cancel", expect=it_is_canceled_or_kept,
)  # fmt: skip
CANCEL_TAKEN = _declared(
    "cancel-captured-order", "orders/{order}/cancel", {"reason": "customer asked"},
    arrange=an_order_kept, strikes="refund", expect=it_is_canceled_or_kept,
)  # fmt: skip
CAPTURE_PART = _declared(
    "capture-part", "payments/{payment}/captures", {"amount": usd(PART)},
    arrange=an_order, strikes="capture", expect=it_is_taken_as_asked,
)  # fmt: skip
REFUND_PART = _declared(
    "refund-part", "payments/{payment}/refunds", {"amount": usd(PART)},
    arrange=an_order_kept, strikes="refund", expect=it_is_given_back_once,
)  # fmt: skip
CONFIRM = _declared(
    "confirm", "checkouts/{checkout}/confirm", {},
    arrange=a_shopper_back_from_the_bank, strikes="retrieve", expect=it_is_bought,
)  # fmt: skip
