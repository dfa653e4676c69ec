"""Days as the processor's account has them: in its own time zone, 23 to 25 hours long."""

import datetime as dt
import zoneinfo

from django.conf import settings

from foundation.errors import InvalidInput


def day_of(account: str, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """[begin, end) of a day of the account, in UTC. Raises `InvalidInput` for no such day."""
    if not 2000 <= day.year < 3000:
        raise InvalidInput("A day of this millennium is expected.")
    zone = _zone(account)
    begin = dt.datetime.combine(day, dt.time(), tzinfo=zone)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=zone)
    return begin.astimezone(dt.UTC), end.astimezone(dt.UTC)


def bounds(account: str, moment: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """[begin, end) of the day in which it is."""
    return day_of(account, moment.astimezone(_zone(account)).date())


def _zone(account: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(settings.RECONCILIATION_ACCOUNTS[account]["time_zone"])
