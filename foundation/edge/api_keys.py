"""The life of an API key after it was made: found by what people know of it, replaced, ended."""

import datetime as dt

from django.db.models import Q

from foundation import clock
from foundation.edge.authentication import create_key, digest_of
from foundation.models import ApiKey
from foundation.transactions import durable

LIVE_PREFIX = "sk_live_"


class KeyNotFound(LookupError):
    """No key, or more than one, is known by that."""


def find_live(text: str) -> ApiKey:
    """The one key that opens something, by itself or by its hint. Raises `KeyNotFound`."""
    moment = clock.now()
    live = ApiKey.objects.select_related("client").filter(
        Q(expires_at=None) | Q(expires_at__gt=moment), revoked_at=None
    )
    found = live.filter(digest=digest_of(text)) or live.filter(hint=text)
    if len(found) != 1:
        raise KeyNotFound(f"{len(found)} live keys are known by that; name it as a whole.")
    return found[0]


def rotate(key: ApiKey, *, overlap: dt.timedelta) -> str:
    """A new key that may do what this one may, which ends after `overlap`; returns the new one.

    An end that was set before and comes sooner stays.
    """
    ends = clock.now() + overlap
    with durable():
        text = create_key(
            key.client,
            scopes=key.scopes,
            live=key.hint.startswith(LIVE_PREFIX),
            sees_all=key.sees_all,
        )
        later = ApiKey.objects.filter(pk=key.pk).filter(Q(expires_at=None) | Q(expires_at__gt=ends))
        later.update(expires_at=ends)
    return text


def revoke(key: ApiKey) -> None:
    """It opens nothing any more, once the last process that believes it looks again."""
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=clock.now())
