"""The shape of each strict field in the document of the API, by its class.

An app that has fields of its own registers them in its module `contract`.
"""

from functools import singledispatch

from foundation.edge.contract import MONEY, Shape
from foundation.edge.strict_fields import (
    AnyField,
    CountryCode,
    Currency,
    Email,
    Metadata,
    MoneyField,
    StrictBoolean,
    StrictInteger,
    StrictString,
)


@singledispatch
def shape_of(field: AnyField) -> Shape:
    """The JSON Schema of what the field takes. Raises `TypeError` for a class nobody described."""
    raise TypeError(f"{type(field).__name__} has no shape: register one")


@shape_of.register
def _(field: StrictInteger) -> Shape:
    return {"type": "integer", "minimum": field.minimum, "maximum": field.maximum}


@shape_of.register
def _(field: StrictBoolean) -> Shape:  # noqa: ARG001 - every boolean is alike
    return {"type": "boolean"}


@shape_of.register
def _(field: StrictString) -> Shape:
    shape = {"type": "string", "maxLength": field.max_length}
    if field.pattern is not None:
        shape["pattern"] = f"^(?:{field.pattern.pattern})$"
    return shape if field.blank else {**shape, "minLength": 1}


@shape_of.register
def _(field: Email) -> Shape:
    return {"type": "string", "format": "email", "maxLength": field.max_length}


@shape_of.register
def _(field: Currency) -> Shape:  # noqa: ARG001 - every currency is alike
    return {"type": "string", "pattern": "^[A-Z]{3}$", "description": "An active ISO 4217 code."}


@shape_of.register
def _(field: CountryCode) -> Shape:  # noqa: ARG001 - every country is alike
    return {"type": "string", "pattern": "^[A-Z]{2}$", "description": "An ISO 3166-1 alpha-2 code."}


@shape_of.register
def _(field: MoneyField) -> Shape:  # noqa: ARG001 - bounds are told by the answer
    return {"allOf": [MONEY, {"properties": {"amount": {"minimum": 0}}}]}


@shape_of.register
def _(field: Metadata) -> Shape:
    return {
        "type": "object",
        "maxProperties": field.keys_max,
        "propertyNames": {"minLength": 1, "maxLength": field.key.max_length},
        "additionalProperties": {"type": "string", "maxLength": field.value.max_length},
    }
