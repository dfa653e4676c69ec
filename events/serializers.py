"""What a client may ask of telling, read strictly."""

from typing import Any, ClassVar, Final

from django.conf import settings

from events import addresses
from events.addresses import UrlRefused
from events.catalogue import SUBSCRIBABLE
from events.moments import Moment
from foundation.edge.strict_fields import StrictBoolean, StrictList, StrictSerializer, StrictString

_EVERYTHING: Final = "*"


class Url(StrictString):
    """An address that events may be sent to, as far as its writing tells.

    What its name leads to is looked at each time that something is sent.
    """

    default_error_messages: ClassVar[dict[str, Any]] = {"url_refused": "{why}"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2000, **options)

    def to_internal_value(self, data: Any) -> str:
        """Text, then its parts, then the address it may spell out."""
        text = super().to_internal_value(data)
        try:
            url = addresses.checked_url(
                text, http_allowed=settings.WEBHOOK_HTTP_ALLOWED, ports=settings.WEBHOOK_PORTS
            )
            if (address := addresses.literal(str(url.hostname))) is not None:
                allowed = settings.WEBHOOK_NETWORKS_ALLOWED
                addresses.refuse_unless_public(address, allowed=allowed)
        except UrlRefused as refused:
            self.fail("url_refused", why=str(refused))
        return text


class EventType(StrictString):
    """A type of the catalogue that may be asked for, or all of them."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "unknown_event_type": "There is no such type of events."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=60, **options)

    def to_internal_value(self, data: Any) -> str:
        """Text, then one that is known."""
        text = super().to_internal_value(data)
        if text != _EVERYTHING and text not in SUBSCRIBABLE:
            self.fail("unknown_event_type")
        return text


def _types(**options: Any) -> StrictList:
    return StrictList(child=EventType(), shortest=1, longest=len(SUBSCRIBABLE) + 1, **options)


class EndpointRequest(StrictSerializer):
    """The body of `POST /v1/webhook-endpoints`."""

    url = Url()
    description = StrictString(max_length=200, blank=True, default="")
    event_types = _types(default=lambda: [_EVERYTHING])
    all_clients = StrictBoolean(default=False)


class EndpointChange(StrictSerializer):
    """The body of `PATCH /v1/webhook-endpoints/{id}`: what is to be another way."""

    url = Url(required=False)
    description = StrictString(max_length=200, blank=True, required=False)
    event_types = _types(required=False)
    state = StrictString(max_length=8, pattern="enabled|disabled", required=False)


class ReplayRequest(StrictSerializer):
    """The body of `POST /v1/webhook-endpoints/{id}/replay`."""

    since = Moment()
    until = Moment(required=False)
    types = _types(required=False)
