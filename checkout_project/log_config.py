"""One line of JSON per log event; card numbers are masked, and PostgreSQL's rows cut."""

import logging
import logging.config
import re
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from foundation.card_numbers import mask

Event = MutableMapping[str, Any]
# "Failing row contains (...)", "Key (email)=(...) already exists": customers' data.
_DETAIL: Final = re.compile(r"(DETAIL: +).*")


def mask_card_numbers(_logger: Any, _method: str, event: Event) -> Event:
    """The last wall: bodies are never logged, and if one slips through, no card is in it."""
    return {name: mask(value) if isinstance(value, str) else value for name, value in event.items()}


def cut_details(_logger: Any, _method: str, event: Event) -> Event:
    """What PostgreSQL quotes of the row that it refused; the constraint's name says enough."""
    return {
        name: _DETAIL.sub(r"\1(cut)", value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def configure(options: dict[str, Any]) -> None:
    """Set up logging for Django, Celery and ourselves; `options["level"]` is the root's."""
    chain: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_card_numbers,
        cut_details,
    ]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": chain,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": formatter},
            "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["out"], "level": options["level"]},
            "loggers": {
                "stripe": {"level": "WARNING"},
                "urllib3": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
            },
        }
    )
