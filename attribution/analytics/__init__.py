"""Who is told of purchases, if anybody: the port that `ANALYTICS_PORT` names."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from attribution.analytics.base import AnalyticsPort


def port() -> AnalyticsPort | None:
    """The port, or None when nobody is told."""
    return _made(settings.ANALYTICS_PORT) if settings.ANALYTICS_PORT else None


@cache
def _made(path: str) -> AnalyticsPort:
    made: AnalyticsPort = import_string(path)()
    return made
