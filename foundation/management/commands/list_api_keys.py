"""`manage.py list_api_keys`: which keys there are, what they may do, and when they were used."""

from typing import Any

from django.core.management.base import BaseCommand

from foundation import clock
from foundation.models import ApiKey


class Command(BaseCommand):
    """Never a key itself: only its hint is known."""

    help = __doc__ or ""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """One line a key, the newest last."""
        for key in ApiKey.objects.select_related("client").order_by("pk"):
            sees = " sees-all" if key.sees_all else ""
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            scopes = ",".join(key.scopes)
            line = f"{key.hint}  {key.client.name}  {_state(key)}  used {used}  {scopes}{sees}"
            self.stdout.write(line)


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    if key.expires_at is None:
        return "live"
    word = "expires" if key.expires_at > clock.now() else "expired"
    return f"{word} {key.expires_at:%Y-%m-%d %H:%M}"
