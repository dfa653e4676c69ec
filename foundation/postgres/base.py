"""Django's PostgreSQL backend, with a health check that costs no statement.

Django asks a kept connection `SELECT 1` before each request. A server that stopped or
restarted has closed its end, and that can be seen on the socket: an idle connection has
nothing to read unless the server said goodbye. A network that swallows packets can not be
seen this way; there the first statement fails, and the request is answered 503.
"""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """The same, but for `is_usable`."""

    def is_usable(self) -> bool:
        """Whether a statement may be sent on the kept connection."""
        raw = self.connection
        if raw is None or raw.closed:
            return False
        try:
            readable, _, _ = select.select([raw.fileno()], [], [], 0)
        except (OSError, ValueError):
            return False
        return not readable

    @property
    def queries_logged(self) -> bool:
        """Statements are kept only where a test asks for it, not for ever under DEBUG."""
        return self.force_debug_cursor
