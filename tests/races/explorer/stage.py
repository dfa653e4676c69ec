"""The stage: settings that keep every run of a schedule the same, and the points outside SQL."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.test import override_settings

from orders import rate_tables
from payments import processors
from tests.races.explorer.turns import calls_out_are_points
from tests.sandbox import Sandbox
from tests.stories import world

_SETTINGS: Final[dict[str, Any]] = {
    "STRIPE_READ_SECONDS": 20.0,  # nobody is slow here but by the schedule
    "STRIPE_CONNECT_SECONDS": 20.0,
    "PROCESSOR_LOOKUP_LAG_SECONDS": 0.0,
    "RESOLVE_FIRST_SECONDS": 5.0,
    "RATE_TABLES_SECONDS": 1e9,  # read once, or some runs would have a statement more
    "STRIPE_LIST_PAGES_MAX": 1,  # or a look-up would cost the more, the more worlds there were
    "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
}


class Logged(logging.Handler):
    """What was caught and logged with its trace: somebody's work that went wrong in silence."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception of a record, if it has one."""
        if record.exc_info and record.exc_info[1] is not None:
            self.errors.append(record.exc_info[1])


LOGGED: Final = Logged()


@contextmanager
def staged(sandbox: Sandbox) -> Iterator[None]:
    """For as long as schedules are played."""
    world._load_tasks()  # it sets logging up once more
    handlers, logging.root.handlers = logging.root.handlers, [LOGGED]
    with override_settings(STRIPE_API_BASE=sandbox.url, **_SETTINGS), calls_out_are_points():
        processors.processor.cache_clear()
        rate_tables.forget()
        try:
            yield
        finally:
            logging.root.handlers = handlers
            processors.processor.cache_clear()
            rate_tables.forget()
