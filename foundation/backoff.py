"""How long to wait before asking again: twice as long each time, up to a limit."""

_DOUBLINGS_MAX = 32  # beyond any limit used here, and far from overflow


def doubling(first: float, *, times: int, most: float) -> float:
    """Seconds to wait after `times` tries, beginning with `first`, never more than `most`."""
    return min(first * 2.0 ** min(times, _DOUBLINGS_MAX), most)
