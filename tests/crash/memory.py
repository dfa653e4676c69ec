"""What a killed process leaves behind: a few numbers in memory shared with its parent."""

import datetime as dt
import mmap
import struct
from typing import Final

from foundation import clock

_LAYOUT: Final = (
    "=qqdq"  # points passed, reached the blow, clock moved by, called inside a transaction
)
_SIZE: Final = struct.calcsize(_LAYOUT)


class FlightRecorder:
    """Survives SIGKILL: how far the process came, and how far it had moved the clock."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, _SIZE)

    def clear(self) -> None:
        """Before a process starts."""
        self.points, self.struck, self.clock_seconds, self.called_inside = 0, 0, 0.0, 0
        self.write()

    def write(self) -> None:
        """Make what is known here visible to the parent."""
        values = (self.points, self.struck, self.clock_seconds, self.called_inside)
        struct.pack_into(_LAYOUT, self._shared, 0, *values)

    def read(self) -> None:
        """See what a child wrote last."""
        values = struct.unpack_from(_LAYOUT, self._shared, 0)
        self.points, self.struck, self.clock_seconds, self.called_inside = values

    def move_clock(self, seconds: float) -> None:
        """Let time go by in this process, and let the parent know how much."""
        clock.move(dt.timedelta(seconds=seconds))
        self.clock_seconds += seconds
        self.write()

    def resume_clock(self) -> None:
        """Begin at the time at which the process before this one ended."""
        self.read()
        clock.reset()
        clock.move(dt.timedelta(seconds=self.clock_seconds))
