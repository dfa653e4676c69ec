"""Attribution in the document of the API: its shapes, and every operation."""

from typing import Final

from attribution import views
from attribution.credit import MODEL_VERSION, MODELS
from attribution.figures import BASES, CAUSES, DIMENSIONS, EXTRA, MATCHED, MISSING
from attribution.models.snapshot import Consent
from attribution.models.touchpoint import Device
from attribution.serializers import ConversionsRequest, Moment, Told, TouchpointRequest
from foundation.edge.contract import (
    MONEY,
    Answer,
    Operation,
    Operations,
    Query,
    Shape,
    choice,
    day,
    integer,
    listed,
    mapping,
    moment,
    named,
    nullable,
    number,
    record,
    reference,
    text,
)
from foundation.edge.contract_fields import shape_of


@shape_of.register
def _(field: Moment) -> Shape:  # noqa: ARG001 - every moment is alike
    return {"type": "string", "format": "date-time"}


@shape_of.register
def _(field: Told) -> Shape:  # noqa: ARG001 - what does not fit is dropped, not refused
    return {"type": "string"}


CONSENT: Final = choice(*Consent.values)
_COUNTED: Final = record(count=integer(1), order_value=MONEY, analytics_value=MONEY)


def _causes(outcome: str) -> Shape:
    return record(**{cause: _COUNTED for cause in CAUSES[outcome] if cause})


_GAP: Final = {
    "currency": text("USD"),
    "orders": integer(40),
    "order_value": MONEY,
    "matched": integer(38),
    "matched_value": MONEY,
    "analytics_value": MONEY,
    "count_gap": nullable(number(0.05)),
    "value_gap": nullable(number(0.047611)),
    "over_report": nullable(number(0.025)),
    "coverage": nullable(number(0.925)),
    "duplicates": record(count=integer(1), value=MONEY),
    "missing": named("GapMissing", _causes(MISSING)),
    "extra": named("GapExtra", _causes(EXTRA)),
    "differing": named("GapDiffering", _causes(MATCHED)),
}
_GROUP: Final = {
    "day": day(),
    "channel": text("newsletter / email"),
    "campaign": text("spring"),
    "payment_method": text("card"),
}
_REPORT: Final = named(
    "AttributionGap",
    record(
        **{"from": day()},
        to=day(),
        time_zone=text("UTC"),
        base=choice(*BASES),
        group_by=listed(choice(*DIMENSIONS)),
        items=listed(named("GapItem", record(DIMENSIONS, **_GROUP, **_GAP))),
        totals=listed(named("GapTotal", record(**_GAP))),
        versions=listed(
            record(
                day=day(),
                version=integer(1),
                measured_at=moment(),
                frozen_at=nullable(moment()),
            )
        ),
    ),
)
_TOUCHPOINT: Final = named(
    "Touchpoint",
    record(
        id=reference("tch"),
        session_id=nullable(text("s_1")),
        client_id=nullable(text("123.456")),
        customer_reference=nullable(text("cus_42")),
        source=text("newsletter"),
        medium=text("email"),
        campaign=text("spring"),
        term=nullable(text("mugs")),
        content=nullable(text("hero")),
        campaign_id=nullable(text("c_17")),
        click_ids=mapping(text("Cj0KCQ")),
        referrer_host=nullable(text("news.example.com")),
        landing_page=nullable(text("shop.example.com/mugs")),
        device=choice(*Device.values),
        consent=CONSENT,
        dropped=listed(text("utm_source")),
        occurred_at=moment(),
        received_at=moment(),
    ),
)
_BATCH: Final = named(
    "ConversionBatch",
    record(
        id=reference("cvb"),
        accepted=integer(2),
        duplicates=integer(1),
        results=listed(
            record(
                index=integer(0),
                transaction_id=text("R1000001"),
                status=choice("accepted", "duplicate"),
            )
        ),
    ),
)
_TOUCH: Final = {
    "at": moment(),
    "source": text("newsletter"),
    "medium": text("email"),
    "campaign": text("spring"),
}
_CREDIT: Final = listed(named("Credit", record(**_TOUCH, amount=MONEY)))
JOURNEY: Final = {
    "model_version": integer(MODEL_VERSION),
    "touches": listed(named("Touch", record(**_TOUCH))),
    "credit": record(**dict.fromkeys(MODELS, _CREDIT)),
}

OPERATIONS: Final[Operations] = {
    (views.Touchpoints, "POST"): Operation(
        "record_touchpoint",
        "Tell of a visit",
        {201: Answer("Stored; `dropped` names what was left out.", _TOUCHPOINT)},
        body=TouchpointRequest,
        example={
            "session_id": "s_1",
            "client_id": "123.456",
            "utm_source": "newsletter",
            "utm_medium": "email",
            "utm_campaign": "spring",
            "landing_page": "https://shop.example.com/mugs",
            "consent": True,
        },
        is_idempotent=True,
    ),
    (views.Conversions, "POST"): Operation(
        "record_conversions",
        "Tell what analytics counted",
        {201: Answer("All rows are stored.", _BATCH)},
        body=ConversionsRequest,
        example={
            "conversions": [
                {
                    "transaction_id": "R1000001",
                    "value": {"amount": 4298, "currency": "USD"},
                    "occurred_at": "2026-11-24T15:00:00Z",
                    "source": "newsletter",
                    "medium": "email",
                    "campaign": "spring",
                }
            ]
        },
        is_idempotent=True,
    ),
    (views.AttributionGap, "GET"): Operation(
        "get_attribution_gap",
        "Compare analytics with money",
        {200: Answer("The gap, by what was asked for.", _REPORT)},
        query=(
            Query("from", "the first day", day()),
            Query("to", "the last day", day()),
            Query("base", "what an order counts for", choice(*BASES)),
            Query("group_by", f"some of {', '.join(DIMENSIONS)}", text("day,channel")),
        ),
    ),
}
