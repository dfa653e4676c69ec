"""What may be done with an endpoint: make, change, rotate, ping, disable, enable, remove.

Each on record with who and why. A removed endpoint stays as a row without secrets until its
deliveries are forgotten, and nobody sees it.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings

from events import outbox, signatures
from events.catalogue import PINGED
from events.models import WebhookDelivery, WebhookEndpoint
from events.outbox import Event
from events.refusals import EndpointNotEnabled, TooManyEndpoints
from events.states import ENDPOINT
from foundation import audit, cases, clock
from foundation.cases import Subject
from foundation.errors import NotFound
from foundation.models import ApiClient
from foundation.state_machine import IllegalTransition, move
from foundation.transactions import durable

DISABLED_CASE: Final = "webhook_endpoint_disabled"
_BY_ITSELF: Final = "system:webhooks"
_SECRETS_MAX: Final = 10  # that sign at once
_TOLD: Final = ("url", "description", "event_types", "all_clients")
# What the receiver behind the address answered is nothing to one behind another.
_AS_NEW: Final[dict[str, Any]] = {"failing_since": None, "paused_until": None}


def create(client_id: uuid.UUID, facts: Mapping[str, Any], *, by: str) -> WebhookEndpoint:
    """Make an endpoint with a secret of its own. Raises `TooManyEndpoints`."""
    with durable():
        client = ApiClient.objects.select_for_update(no_key=True).get(pk=client_id)
        living = WebhookEndpoint.objects.filter(client=client).exclude(state="deleted")
        if living.count() >= settings.WEBHOOK_ENDPOINTS_MAX:
            raise TooManyEndpoints(f"A client may have {settings.WEBHOOK_ENDPOINTS_MAX}.")
        endpoint = WebhookEndpoint.objects.create(
            client=client, secret=signatures.new_secret(), **facts
        )
        _record(endpoint, "created", by=by, reason="asked for", before={})
    return endpoint


def change(
    endpoint_id: uuid.UUID,
    facts: Mapping[str, Any],
    *,
    by: str,
    reason: str = "asked for",
    expects: Callable[[WebhookEndpoint], None] = lambda _: None,
) -> WebhookEndpoint:
    """Set what is told where, and whether at all (`state`). Raises `NotFound`.

    `expects` is called with the row under the lock, and may refuse; of `remove` too.
    """
    given = dict(facts)
    state = given.pop("state", None)
    with durable():
        endpoint = locked(endpoint_id)
        expects(endpoint)
        before = _facts(endpoint)
        if given.get("url", endpoint.url) != endpoint.url:
            given |= _AS_NEW
        if given:
            for name, value in given.items():
                setattr(endpoint, name, value)
            endpoint.save(update_fields=list(given))
        if state == "disabled" and endpoint.state == "enabled":
            _disable(endpoint, why=_whose(by), by=by, reason=reason)
        if state == "enabled" and endpoint.state == "disabled":
            _enable(endpoint, by=by, reason=reason)
        if _facts(endpoint) != before:
            _record(endpoint, "changed", by=by, reason=reason, before=before)
    return endpoint


def rotate(endpoint_id: uuid.UUID, *, by: str, reason: str = "asked for") -> WebhookEndpoint:
    """Give it a new secret; those before it sign as well for `WEBHOOK_OVERLAP_SECONDS`.

    All that still sign: who rotates again because an answer was lost has the first one deployed.
    """
    with durable():
        endpoint = locked(endpoint_id)
        before, now = _facts(endpoint), clock.now()
        endpoint.older_secrets = signing(endpoint, now)[1 : _SECRETS_MAX - 1]
        endpoint.previous_secret = endpoint.secret
        endpoint.previous_until = now + dt.timedelta(seconds=settings.WEBHOOK_OVERLAP_SECONDS)
        endpoint.secret = signatures.new_secret()
        endpoint.save(
            update_fields=["secret", "previous_secret", "older_secrets", "previous_until"]
        )
        _record(endpoint, "secret_rotated", by=by, reason=reason, before=before)
    return endpoint


def signing(endpoint: WebhookEndpoint, at: dt.datetime) -> list[bytes]:
    """The secrets that sign: the present one first, those before it while they overlap."""
    does_overlap = endpoint.previous_until is not None and endpoint.previous_until > at
    past = [endpoint.previous_secret, *(endpoint.older_secrets or ())] if does_overlap else []
    return [bytes(each) for each in (endpoint.secret, *past) if each]


def ping(endpoint_id: uuid.UUID, *, by: str) -> WebhookEndpoint:
    """Tell it an event of its own, by the way of all events. Raises `EndpointNotEnabled`."""
    with durable():
        endpoint = awake(endpoint_id)
        _tell(endpoint, Event(PINGED, _ids(endpoint)))
        _record(endpoint, "pinged", by=by, reason="asked for", before=_facts(endpoint))
    return endpoint


def remove(
    endpoint_id: uuid.UUID,
    *,
    by: str,
    reason: str = "asked for",
    expects: Callable[[WebhookEndpoint], None] = lambda _: None,
) -> None:
    """Nothing is told to it any more, for good. Raises `NotFound`."""
    with durable():
        endpoint = locked(endpoint_id)
        expects(endpoint)
        before = _facts(endpoint)
        move(
            endpoint, table=ENDPOINT, to="deleted", by=by, reason=reason,
            secret=b"", previous_secret=None, older_secrets=None,
        )  # fmt: skip
        _record(endpoint, "removed", by=by, reason=reason, before=before)


def disable_failing(endpoint: WebhookEndpoint, *, why: str) -> bool:
    """Disable one that takes nothing any more, in the caller's transaction; False: it was."""
    try:
        _disable(endpoint, why=why, by=_BY_ITSELF, reason=why)
    except IllegalTransition:
        return False
    cases.open_once(
        DISABLED_CASE,
        about=Subject("webhookendpoint", endpoint.pk),
        title=f"Events are not told to {endpoint.reference} any more: {why}",
        detail=f"{endpoint.client.name} asked for them at {endpoint.url}.",
        began_at=clock.now(),
    )
    return True


def locked(endpoint_id: uuid.UUID) -> WebhookEndpoint:
    """The endpoint under its lock. Raises `NotFound` when it is gone."""
    living = WebhookEndpoint.objects.exclude(state="deleted")
    endpoint = living.select_for_update(no_key=True, of=("self",)).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound("There is no such endpoint any more.")
    return endpoint


def awake(endpoint_id: uuid.UUID) -> WebhookEndpoint:
    """The same, for what is to be sent now: it is not left alone any longer.

    Raises `EndpointNotEnabled`, too.
    """
    endpoint = locked(endpoint_id)
    if endpoint.state != "enabled":
        raise EndpointNotEnabled("Enable it first.")
    if endpoint.paused_until is not None:
        endpoint.paused_until = None
        endpoint.save(update_fields=["paused_until"])
    return endpoint


def _whose(by: str) -> str:
    """For the client: neither the name of a person of ours nor a person's reason."""
    return "by its client" if by.startswith("api:") else "by staff"


def _disable(endpoint: WebhookEndpoint, *, why: str, by: str, reason: str) -> None:
    move(endpoint, table=ENDPOINT, to="disabled", by=by, reason=reason, disabled_reason=why[:200])
    _tell(endpoint, Event("webhook_endpoint.disabled", {**_ids(endpoint), "reason": why}))


def _enable(endpoint: WebhookEndpoint, *, by: str, reason: str) -> None:
    move(
        endpoint, table=ENDPOINT, to="enabled", by=by, reason=reason,
        disabled_reason="", **_AS_NEW,
    )  # fmt: skip
    _wake_what_waits(endpoint)
    cases.resolve(DISABLED_CASE, endpoint.pk, by=by, reason=reason)


def _wake_what_waits(endpoint: WebhookEndpoint) -> None:
    """What failed is due now, not hours from now: first what waits longest, as many as a replay."""
    waiting = WebhookDelivery.objects.filter(endpoint=endpoint, state="retrying")
    first = waiting.order_by("due_at").values("pk")[: settings.WEBHOOK_REPLAY_MAX]
    waiting.filter(pk__in=first).update(due_at=clock.now())


def _tell(endpoint: WebhookEndpoint, event: Event) -> None:
    outbox.record(endpoint.pk, [event], client_id=endpoint.client_id)


def _ids(endpoint: WebhookEndpoint) -> dict[str, str]:
    return {"endpoint": endpoint.reference, "endpoint_id": str(endpoint.pk)}


def _facts(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {"state": endpoint.state} | {name: getattr(endpoint, name) for name in _TOLD}


def _record(
    endpoint: WebhookEndpoint, what: str, *, by: str, reason: str, before: dict[str, Any]
) -> None:
    audit.record(
        actor=by,
        action=f"webhook_endpoint.{what}",
        aggregate="webhookendpoint",
        aggregate_id=endpoint.pk,
        reason=reason,
        before=before,
        after=_facts(endpoint),
    )
