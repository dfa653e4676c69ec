"""The caller's trace (W3C Trace Context), from its request to all that follows from it.

    traceparent → log lines of the request → the events it records → messages to workers →
    log lines of their tasks → the webhooks that tell of it

We make no spans, so what is passed on is the context as it came, and what a receiver does hangs
on the span of whoever asked. Only "sampled" is kept of the flags, and nothing is decided by it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from structlog.contextvars import bind_contextvars, unbind_contextvars

HEADER: Final = "traceparent"
LONGEST: Final = 55
_SAMPLED: Final = 1
# version, trace id, parent id, flags; a later version may say more after them
_SHAPE: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace_id>(?!0{32})[0-9a-f]{32})"
    r"-(?P<parent_id>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_current: ContextVar[str] = ContextVar(HEADER, default="")


def read(header: object) -> str:
    """A valid `traceparent` as version 00 writes it; "" for anything else."""
    found = _SHAPE.fullmatch(header) if isinstance(header, str) else None
    if found is None or (found["version"] == "00" and found["more"]):
        return ""
    flags = int(found["flags"], 16) & _SAMPLED
    return f"00-{found['trace_id']}-{found['parent_id']}-{flags:02x}"


def current() -> str:
    """The trace of what is done here now, or ""."""
    return _current.get()


def follow(traceparent: str) -> None:
    """What is logged, recorded and sent from now on belongs to this trace; to none: ""."""
    _current.set(traceparent)
    unbind_contextvars("trace_id", "parent_id")
    if traceparent:
        _, trace_id, parent_id, _ = traceparent.split("-")
        bind_contextvars(trace_id=trace_id, parent_id=parent_id)


@contextmanager
def followed(traceparent: str) -> Iterator[None]:
    """The same, and then as before."""
    before = current()
    follow(traceparent)
    try:
        yield
    finally:
        follow(before)
