"""Django's PostgreSQL backend, with a health check that costs no statement, and a role.

Django asks a kept connection `SELECT 1` before each request. A server that stopped or
restarted has closed its end, and that can be seen on the socket: an idle connection has
nothing to read unless the server said goodbye. A network that swallows packets can not be
seen this way; there the first statement fails, and the request is answered 503.

With `role` among the OPTIONS, sessions begin as that role: it travels with the start of the
connection and costs no statement either. `as_owner` is for what needs the login itself.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """The same, but for `is_usable` and the role."""

    def get_connection_params(self) -> dict[str, Any]:
        """psycopg's arguments; the role as one of the session's options."""
        parameters = super().get_connection_params()
        if role := parameters.pop("role", ""):
            parameters["options"] = f"{parameters.get('options', '')} -c role={role}"
        return parameters

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        """Connect as the login itself for the life of this block: to make tables and roles."""
        options = self.settings_dict["OPTIONS"]
        role = options.pop("role", "")
        self.close()
        try:
            yield
        finally:
            self.close()
            options["role"] = role

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
