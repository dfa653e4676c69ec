"""The eight stories, in the order they are played."""

from checkout_project.demo.stories import buying, comparing, failing, refusing
from checkout_project.demo.stories.world import Story, World

__all__ = ["STORIES", "Story", "World"]

STORIES: tuple[Story, ...] = (
    Story(
        "A purchase",
        "Elsewhere: the shopper is charged, and the order, the parcel or the e-mail is missing.",
        buying.purchase,
        logs=("web", "worker", "relay"),
    ),
    Story(
        "The same request again",
        "Elsewhere: a phone loses the answer, sends again, and the shopper has bought twice.",
        buying.repeat,
        logs=("web",),
    ),
    Story(
        "Sixteen at once with one key",
        "Elsewhere: the check for the key and the charge are two steps, and a crowd slips between.",
        buying.crowd,
        logs=("web",),
    ),
    Story(
        "A declined card",
        "Elsewhere: the card says no, and the mugs stay reserved for nobody.",
        refusing.decline,
        logs=("web",),
    ),
    Story(
        "The last unit, bought by two",
        "Elsewhere: both are charged, and one gets an apology.",
        refusing.last_unit,
        logs=("web",),
    ),
    Story(
        "A processor that takes the hold and never answers",
        "Elsewhere: a time-out counts as a no, and the money stays held for no order; or the "
        "charge is sent again, and it is held twice.",
        failing.time_out,
        logs=("worker", "beat", "web"),
    ),
    Story(
        "A worker killed in mid-settlement",
        "Elsewhere: the capture is lost with the worker, or done again by the next one.",
        failing.killed_worker,
        logs=("worker", "beat"),
    ),
    Story(
        "A day of known breaks and a known gap, compared",
        "Elsewhere: the books are compared by hand once a month, and the gap to analytics is a "
        "percentage from somebody's slides.",
        comparing.day,
        logs=("web",),
    ),
)
