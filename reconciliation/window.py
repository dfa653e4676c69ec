"""A day of an account, and where the run before it came to."""

import datetime as dt
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Window:
    """A day of an account: [begin, end) as moments, and where the run before it came to.

    `since`: the end of the day that was compared before (`begin`, if there is none), so that a day
    that was passed over is looked at all the same. `waited`: that day. `after_line`: its last line,
    0 if no run was told of any.
    """

    account: str
    day: dt.date
    begin: dt.datetime
    end: dt.datetime
    since: dt.datetime
    waited: dt.date | None
    after_line: int

    def parameters(self) -> dict[str, Any]:
        """For the statements of this day."""
        return {
            "account": self.account,
            "day": self.day,
            "begin": self.begin,
            "end": self.end,
            "since": self.since,
            "waited": self.waited,
            "after_line": self.after_line,
        }
