"""A purchase, its repeat, and its repeat by a crowd."""

from checkout_project.demo import outside, promises
from checkout_project.demo.outside import MOST_AT_ONCE, Reply
from checkout_project.demo.promises import Promise
from checkout_project.demo.stories.world import World
from checkout_project.demo.words import mail_lines

TOTAL = {"amount": 4298, "currency": "USD"}  # two mugs at 19.99, shipping 3.00, no tax in Oregon


def purchase(world: World) -> list[Promise]:
    """Two blue mugs to Oregon."""
    body, key = outside.a_purchase(expected_total=TOTAL), outside.a_key()
    world.tell.asked(body, key=key)
    reply = world.api.checkout(body, key=key)
    world.tell.answered(reply)
    world.bought = (body, key, reply)
    order = reply.doc["order"]["id"]
    world.wait_settled(order)
    seen = world.aftermath(order)
    for mail in world.mailbox.about(order):
        world.tell.labeled("e-mail", mail_lines(mail))
    return promises.purchase(reply, seen, total=TOTAL)


def repeat(world: World) -> list[Promise]:
    """The very same request."""
    assert world.bought is not None  # noqa: S101 - the first story bought it
    body, key, first = world.bought
    path = f"orders/{first.doc['order']['id']}/timeline"
    place, before = world.witness.place(), world.api.get(path)["items"]
    world.tell.asked(body, key=key, note="   (as before)")
    again = world.api.checkout(body, key=key)
    world.tell.answered(again)
    journal, after = world.witness.journal(since=place), world.api.get(path)["items"]
    world.tell.labeled("timeline", [f"{len(before)} lines before, {len(after)} lines after"])
    world.tell.journal(journal)
    return promises.repeat(first, again, journal=journal, new_lines=len(after) - len(before))


def crowd(world: World) -> list[Promise]:
    """Sixteen requests, one key, one moment; then each of them once more."""
    body, key = outside.a_purchase(expected_total=TOTAL), outside.a_key()
    place = world.witness.place()
    world.tell.asked(body, key=key, note=f"   ({MOST_AT_ONCE} times, at once)")
    replies = world.api.at_once([(body, key)] * MOST_AT_ONCE)
    world.tell.counted(replies)
    repeats: list[Reply] = [world.api.checkout(body, key=key) for _ in replies]
    world.tell.labeled("again", ["each of them once more, when it was over:"])
    world.tell.counted(repeats)
    orders = world.api.get("orders", customer=body["customer"]["reference"])["items"]
    world.wait_settled(orders[0]["id"])
    world.aftermath(orders[0]["id"])
    return promises.crowd(
        replies, repeats, orders=len(orders), journal=world.witness.journal(since=place)
    )
