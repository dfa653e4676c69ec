"""A declined card, and the last unit that two people want."""

from checkout_project.demo import outside, promises
from checkout_project.demo.promises import Promise
from checkout_project.demo.stories.world import World

MUG = "MUG-BLUE"
LAST = "PRINT-SIGNED-001"  # the sample catalog has exactly one
EMPTY_CARD = "pm_card_chargeDeclinedInsufficientFunds"


def decline(world: World) -> list[Promise]:
    """A card without money."""
    body, key = outside.a_purchase(payment_method=EMPTY_CARD), outside.a_key()
    before = world.shelf(MUG)
    world.tell.asked(body, key=key)
    first = world.api.checkout(body, key=key)
    world.tell.answered(first)
    checkout = first.doc["instance"].rsplit("/", 1)[-1]
    world.timeline_of_checkout(checkout)
    payment = world.api.get(f"checkouts/{checkout}")["payment"]["id"]
    again = world.api.checkout(body, key=key)
    after = world.shelf(MUG)
    journal = world.witness.journal(payment=payment)
    world.tell.journal(journal)
    world.tell.shelf(MUG, before=before, after=after)
    return promises.decline(first, again, before=before, after=after, journal=journal)


def last_unit(world: World) -> list[Promise]:
    """Two shoppers, two carts, two keys, one signed print."""
    wishes = [(outside.a_purchase(LAST, 1), outside.a_key()) for _ in range(2)]
    place, before = world.witness.place(), world.shelf(LAST)
    for body, key in wishes:
        world.tell.asked(body, key=key)
    replies = world.api.at_once(wishes)
    for reply in replies:
        world.tell.answered(reply)
        checkout = reply.doc.get("id") or reply.doc["instance"].rsplit("/", 1)[-1]
        world.timeline_of_checkout(checkout)
    journal = world.witness.journal(since=place)
    world.tell.journal(journal)
    after = world.shelf(LAST)
    world.tell.shelf(LAST, before=before, after=after)
    return promises.last_unit(replies, shelf=after, journal=journal)
