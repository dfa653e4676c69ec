"""What lies on the shelf, and who has spoken for it."""

from collections.abc import Iterator

from tests.crash.facts import Facts

_OPEN = ("held", "committed")


def s1_stock_is_possible(facts: Facts) -> Iterator[str]:
    """0 <= reserved <= on hand."""
    for item in facts.stock:
        if not 0 <= item["reserved"] <= item["on_hand"]:
            yield f"{item['reserved']} reserved of {item['on_hand']}"


def s2_the_counter_is_the_sum_of_its_holds(facts: Facts) -> Iterator[str]:
    """Reserved = the open reservations."""
    for item in facts.stock:
        held = sum(row["quantity"] for row in facts.reservations if row["state"] in _OPEN)
        if held != item["reserved"]:
            yield f"{item['reserved']} are counted as reserved, {held} are"


def s3_the_shelf_is_what_it_was_less_what_left(facts: Facts) -> Iterator[str]:
    """On hand = opening - consumed."""
    for item in facts.stock:
        gone = sum(row["quantity"] for row in facts.reservations if row["state"] == "consumed")
        if item["on_hand"] != facts.opening_stock - gone:
            yield f"{item['on_hand']} on hand of {facts.opening_stock}, {gone} left"


def s5_nothing_is_held_for_what_is_over(facts: Facts) -> Iterator[str]:
    """No open reservation of a checkout that failed, or of an order that was canceled."""
    orders = {order["checkout_id"]: order for order in facts.orders}
    for row in facts.reservations:
        order = orders.get(row["checkout_id"])
        over = order is None or order["state"] == "canceled"
        if row["state"] in _OPEN and over:
            yield f"{row['quantity']} are {row['state']} for nothing"


def s6_every_line_has_its_hold(facts: Facts) -> Iterator[str]:
    """A live order's line has exactly one reservation of its quantity."""
    for order in facts.orders:
        if order["state"] == "canceled":
            continue
        wanted = sorted(
            (line["sku"], line["quantity"])
            for line in facts.lines
            if line["order_id"] == order["id"]
        )
        held = sorted(
            (row["sku"], row["quantity"])
            for row in facts.reservations
            if row["checkout_id"] == order["checkout_id"]
            and row["state"] in ("committed", "consumed")
        )
        if wanted != held:
            yield f"lines {wanted}, holds {held}"


RULES = (
    s1_stock_is_possible,
    s2_the_counter_is_the_sum_of_its_holds,
    s3_the_shelf_is_what_it_was_less_what_left,
    s5_nothing_is_held_for_what_is_over,
    s6_every_line_has_its_hold,
)
