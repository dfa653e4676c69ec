"""A processor that goes silent, and a worker that dies with money in its hands."""

import os

from checkout_project.demo import outside, promises
from checkout_project.demo.promises import Promise
from checkout_project.demo.stories.world import SETTLE_SECONDS, World
from checkout_project.embedded import children

SILENT = "pm_card_visa__fault_timeout_after"
SLOW_SECONDS = 4.0  # long enough to aim, and over before the payment's lease is
QUIET_SECONDS = 20.0
AIM_SECONDS = 15.0
DEATH_SECONDS = 5.0


def time_out(world: World) -> list[Promise]:
    """The hold is taken, the answer never comes; nobody asks again until it is resolved."""
    body, key = outside.a_purchase(payment_method=SILENT), outside.a_key()
    world.tell.asked(body, key=key)
    first = world.api.checkout(body, key=key)
    world.tell.answered(first)
    path = f"checkouts/{first.doc['id']}"
    world.wait(
        "the sweep, which asks the processor (the client does nothing)",
        lambda: world.api.get(path)["status"] != "processing",
        seconds=SETTLE_SECONDS,
    )
    checkout = world.api.get(path)
    journal = world.witness.journal(payment=checkout["payment"]["id"])
    if "order" in checkout:
        world.wait_settled(checkout["order"]["id"])
        journal = world.aftermath(checkout["order"]["id"]).journal
    world.tell.asked(body, key=key, note="   (as before)")
    again = world.api.checkout(body, key=key)
    world.tell.answered(again)
    return promises.time_out(first, again, checkout=checkout, journal=journal)


def killed_worker(world: World) -> list[Promise]:
    """The capture is under way when the worker dies; another one comes later."""
    world.wait(
        "all earlier orders to be settled",
        lambda: not world.api.get("orders", status="placed")["items"],
        seconds=QUIET_SECONDS,
    )
    world.witness.fault(operation="capture", fault="slow", seconds=SLOW_SECONDS, times=1)
    body, key = outside.a_purchase(), outside.a_key()
    world.tell.asked(body, key=key)
    reply = world.api.checkout(body, key=key)
    world.tell.answered(reply)
    order, payment = reply.doc["order"]["id"], reply.doc["payment"]["id"]
    world.wait(
        "the capture to be on its way",
        lambda: "capture" in world.witness.journal(payment=payment)["requests"],
        seconds=AIM_SECONDS,
    )
    group = world.shop.pids["worker"]
    world.shop.kill("worker")
    killed_at = world.api.get(f"payments/{payment}")["status"]
    is_gone = children.until(lambda: not lives(group), seconds=DEATH_SECONDS)
    world.tell.labeled("killed", [f"SIGKILL to the worker's group {group}; payment: {killed_at}"])
    world.shop.start(["worker"])
    world.wait_settled(order)
    seen = world.aftermath(order)
    return promises.killed_worker(killed_at=killed_at, is_gone=is_gone, seen=seen)


def lives(group: int) -> bool:
    """Whether any process of this group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
