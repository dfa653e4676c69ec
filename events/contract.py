"""Telling in the document of the API: its shapes, and every operation."""

from typing import Final

from events import feed_views, refusals, views
from events.catalogue import PUBLIC, SUBSCRIBABLE
from events.moments import Moment
from events.serializers import EndpointChange, EndpointRequest, EventType, ReplayRequest, Url
from events.states import DELIVERY, ENDPOINT
from foundation.edge.contract import (
    Answer,
    Operation,
    Operations,
    Query,
    Shape,
    boolean,
    choice,
    integer,
    listed,
    moment,
    named,
    nullable,
    page,
    record,
    reference,
    states,
    text,
)
from foundation.edge.contract_fields import shape_of


@shape_of.register
def _(field: Url) -> Shape:
    told = "https, by name or by a public address, without a user name or a fragment."
    return {
        "type": "string",
        "format": "uri",
        "minLength": 1,
        "maxLength": field.max_length,
        "description": told,
    }


@shape_of.register
def _(field: EventType) -> Shape:  # noqa: ARG001 - there is one catalogue
    return {"type": "string", "enum": ["*", *sorted(SUBSCRIBABLE)]}


@shape_of.register
def _(field: Moment) -> Shape:  # noqa: ARG001 - every moment is alike
    return {"type": "string", "format": "date-time"}


_URL: Final = "https://shop.example.com/hooks"
_STATE: Final = choice(*states("enabled", ENDPOINT.states - {"deleted"}))
_DELIVERY_STATE: Final = choice(*states("retrying", DELIVERY.states))
_ENDPOINT: Final = {
    "id": reference("whe"),
    "url": text(_URL, format="uri"),
    "description": text("our shop"),
    "event_types": listed(text("order.placed")),
    "all_clients": boolean(example=False),
    "state": _STATE,
    "disabled_reason": {**nullable(text("nothing was taken for 5 days")), "example": None},
    "failing_since": {**nullable(moment()), "example": None},
    "previous_secret_until": {**nullable(moment()), "example": None},
    "created_at": moment(),
}
_ENDPOINT_SHAPE: Final = named("WebhookEndpoint", record(**_ENDPOINT))
_WITH_SECRET: Final = named(
    "WebhookEndpointWithSecret",
    record(**_ENDPOINT, secret=text("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")),
)
DATA: Final[Shape] = {
    "type": "object",
    "description": "Public ids of what it is about; read them for how it is now.",
    "properties": {"id": reference("evt"), "sequence": integer(3, least=1)},
    "required": ["id", "sequence"],
}
_EVENT: Final = named(
    "Event",
    record(
        id=reference("evt"),
        type=choice(*states("order.placed", PUBLIC)),
        timestamp=moment(),
        data=DATA,
    ),
)
_FEED: Final = named(
    "Feed",
    record(
        items=listed(_EVENT),
        next_cursor=nullable(reference("evt")),
        has_more=boolean(example=False),
    ),
)
_DELIVERY: Final = {
    "id": reference("dlv"),
    "endpoint": reference("whe"),
    "event": reference("evt"),
    "type": choice(*states("order.placed", PUBLIC)),
    "state": _DELIVERY_STATE,
    "attempt_count": integer(1),
    "next_attempt_at": nullable(moment()),
    "last_error": nullable(text("it answered 500")),
    "created_at": moment(),
    "sent_at": {**nullable(moment()), "example": None},
}
_DELIVERY_SHAPE: Final = named("Delivery", record(**_DELIVERY))
_ATTEMPT: Final = record(
    number=integer(1, least=1),
    at=moment(),
    milliseconds=integer(84),
    status=nullable(integer(500)),
    error={**nullable(text("connection refused")), "example": None},
    answer=text("try again later"),
)
_WITH_ATTEMPTS: Final = named(
    "DeliveryWithAttempts", record(**_DELIVERY, attempts=listed(named("DeliveryAttempt", _ATTEMPT)))
)
_REPLAY: Final = named("Replay", record(endpoint=reference("whe"), events=integer(120)))

_ENDPOINTS: Final[Operations] = {
    (views.Endpoints, "GET"): Operation(
        "list_webhook_endpoints",
        "List who is told",
        {200: Answer("Newest first, without their secrets.", page(_ENDPOINT_SHAPE))},
        is_paged=True,
    ),
    (views.Endpoints, "POST"): Operation(
        "create_webhook_endpoint",
        "Be told of events at an address",
        {201: Answer("The secret is shown this once: keep it.", _WITH_SECRET, ("Location",))},
        problems=(refusals.TooManyEndpoints, refusals.AllClientsNotAllowed),
        body=EndpointRequest,
        example={"url": _URL, "description": "our shop", "event_types": ["order.placed"]},
        description=(
            "What happens from now on is told there; ask for a replay of what happened before. "
            "There is no key: sent twice, it makes two endpoints, and each is told."
        ),
    ),
    (views.OneEndpoint, "GET"): Operation(
        "get_webhook_endpoint",
        "Read an endpoint",
        {200: Answer("The endpoint now, without its secret.", _ENDPOINT_SHAPE)},
        prefix="whe",
        reads_one=True,
    ),
    (views.OneEndpoint, "PATCH"): Operation(
        "change_webhook_endpoint",
        "Change what is told where, or whether at all",
        {200: Answer("The endpoint now.", _ENDPOINT_SHAPE)},
        body=EndpointChange,
        example={"event_types": ["order.placed", "order.canceled"], "state": "enabled"},
        prefix="whe",
        reads_one=True,
        changes_one=True,
        description=(
            "What happens while it is `disabled` is not told afterwards, unless by a replay."
        ),
    ),
    (views.OneEndpoint, "DELETE"): Operation(
        "delete_webhook_endpoint",
        "Be told no more",
        {204: Answer("It is gone; what is under way may still arrive.")},
        prefix="whe",
        changes_one=True,
    ),
    (views.SecretRotation, "POST"): Operation(
        "rotate_webhook_secret",
        "Get a new secret",
        {200: Answer("Shown this once; until then both secrets sign.", _WITH_SECRET)},
        prefix="whe",
        changes_one=True,
    ),
    (views.Ping, "POST"): Operation(
        "ping_webhook_endpoint",
        "See whether an endpoint can be reached",
        {202: Answer("`webhook_endpoint.pinged` is on its way there.", _ENDPOINT_SHAPE)},
        problems=(refusals.EndpointNotEnabled,),
        prefix="whe",
        changes_one=True,
    ),
    (views.Replay, "POST"): Operation(
        "replay_events",
        "Be told again of a range",
        {202: Answer("So many events are told again, under their own ids.", _REPLAY)},
        problems=(refusals.EndpointNotEnabled, refusals.ReplayTooLarge),
        body=ReplayRequest,
        example={
            "since": "2026-11-24T00:00:00Z",
            "until": "2026-11-25T00:00:00Z",
            "types": ["order.placed"],
        },
        prefix="whe",
        changes_one=True,
        description="Without `until`: up to now. Without `types`: all that the endpoint asks for.",
    ),
}
_TOLD: Final[Operations] = {
    (feed_views.Events, "GET"): Operation(
        "list_events",
        "Read what happened, in its order",
        {200: Answer("Oldest first; `next_cursor` is where to go on, at the end too.", _FEED)},
        query=(
            Query("type", "only these types, with commas", text("order.placed,order.canceled")),
            Query(
                "subject",
                "only what tells of this id; of a checkout, its whole story",
                text(reference("ord")["example"]),
            ),
            Query("since", "only what happened from then on", moment()),
        ),
        is_paged=True,
    ),
    (feed_views.OneEvent, "GET"): Operation(
        "get_event",
        "Read an event",
        {200: Answer("The event, as it is told.", _EVENT)},
        prefix="evt",
        reads_one=True,
    ),
    (feed_views.Deliveries, "GET"): Operation(
        "list_deliveries",
        "List what was told to whom",
        {200: Answer("Newest first.", page(_DELIVERY_SHAPE))},
        query=(
            Query("endpoint", "only those to this endpoint", reference("whe")),
            Query("event", "only those of this event", reference("evt")),
            Query("state", "only those that are in this state", _DELIVERY_STATE),
        ),
        is_paged=True,
    ),
    (feed_views.OneDelivery, "GET"): Operation(
        "get_delivery",
        "Read a delivery",
        {200: Answer("The delivery now, with each try at it.", _WITH_ATTEMPTS)},
        prefix="dlv",
        reads_one=True,
    ),
    (feed_views.Retry, "POST"): Operation(
        "retry_delivery",
        "Have a delivery sent again",
        {202: Answer("It is sent now, under the id it has, with all its tries.", _DELIVERY_SHAPE)},
        problems=(refusals.EndpointNotEnabled, refusals.DeliveryInProgress),
        prefix="dlv",
        changes_one=True,
    ),
}
OPERATIONS: Final[Operations] = {**_ENDPOINTS, **_TOLD}
