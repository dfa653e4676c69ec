"""Fields that take what they say and coerce nothing: "1" is no integer, True is no integer either.

What passes here can be stored: bounded, without control characters, in known currencies and
countries. What does not pass is told by JSON Pointer and a stable code, without repeating it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import EmailValidator
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.settings import api_settings

from foundation.edge.countries import COUNTRIES
from foundation.edge.strict_json import pointer_token
from foundation.errors import InvalidInput
from foundation.money import EXPONENTS, Money

BIGINT_MAX = 2**63 - 1
ERRORS_TOLD = 100

# Control characters, line and paragraph separators, halves of surrogate pairs.
CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class AnyField(serializers.Field[Any, Any, Any, Any]):
    """A field that shows what it holds."""

    def to_representation(self, value: Any) -> Any:
        """As it is."""
        return value


class StrictSerializer(serializers.Serializer[Any]):
    """An object with exactly these members: an unknown one is an error, not a silent loss."""

    _shared: ClassVar["StrictSerializer | None"] = None

    @classmethod
    def accept(cls, document: Any) -> Any:
        """Validate one document; raise `InvalidInput` with a pointer for everything wrong in it.

        One instance serves the whole process, because building one costs more than using it.
        Validation keeps nothing in the instance, so threads may share it.
        """
        try:
            return cls._instance().run_validation(document)
        except ValidationError as refused:
            raise InvalidInput(errors=pointers(refused.detail)) from None

    def to_internal_value(self, data: Any) -> Any:
        """Refuse what is no object and members nobody asked for, then validate the rest."""
        if not isinstance(data, dict):
            problem = ErrorDetail("An object is expected.", code="not_an_object")
            raise ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [problem]})
        fields = self.fields
        unknown = [name for name in data if name not in fields]
        if not unknown:
            return super().to_internal_value(data)
        errors: dict[str, Any] = {
            name: [ErrorDetail("This field is not known.", code="unknown_field")]
            for name in unknown[:ERRORS_TOLD]
        }
        try:
            super().to_internal_value(data)
        except ValidationError as others:
            errors.update(others.detail)  # type: ignore[arg-type]  # a serializer's are a dict
        raise ValidationError(errors)

    def run_validators(self, value: Any) -> None:
        """Nothing: a strict serializer is its fields and its `validate`."""

    @classmethod
    def _instance(cls) -> "StrictSerializer":
        if cls.__dict__.get("_shared") is None:
            shared = cls()
            _ = shared.fields  # built before other threads see it
            cls._shared = shared
        return cls.__dict__["_shared"]  # type: ignore[no-any-return]


class StrictInteger(AnyField):
    """An integer within bounds; not a bool, not a float, not text."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_an_integer": "An integer is expected.",
        "too_small": "At least {minimum} is expected.",
        "too_large": "At most {maximum} is expected.",
    }

    def __init__(self, *, minimum: int = 0, maximum: int = BIGINT_MAX, **options: Any) -> None:
        self.minimum, self.maximum = minimum, maximum
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        """Check type, then bounds."""
        if type(data) is not int:
            self.fail("not_an_integer")
        if data < self.minimum:
            self.fail("too_small", minimum=self.minimum)
        if data > self.maximum:
            self.fail("too_large", maximum=self.maximum)
        return data


class StrictBoolean(AnyField):
    """true or false; not 0, not "true"."""

    default_error_messages: ClassVar = {"not_a_boolean": "true or false is expected."}

    def to_internal_value(self, data: Any) -> bool:
        """Check the type."""
        if not isinstance(data, bool):
            self.fail("not_a_boolean")
        return data


class StrictString(AnyField):
    """Text as it was sent, never stripped: bounded, printable, and of a pattern if one is given."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_a_string": "A string is expected.",
        "blank": "This must not be blank.",
        "too_long": "At most {max_length} characters are expected.",
        "control_character": "Control characters are not accepted.",
        "wrong_format": "This does not have the expected format.",
    }

    def __init__(
        self, *, max_length: int, pattern: str | None = None, blank: bool = False, **options: Any
    ) -> None:
        self.max_length, self.blank = max_length, blank
        self.pattern = re.compile(pattern) if pattern else None
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        """Check type, length, characters, pattern, in the order of what they cost."""
        if not isinstance(data, str):
            self.fail("not_a_string")
        if len(data) > self.max_length:
            self.fail("too_long", max_length=self.max_length)
        if not self.blank and (not data or data.isspace()):
            self.fail("blank")
        if CONTROL_CHARACTERS.search(data):
            self.fail("control_character")
        if self.pattern is not None and not self.pattern.fullmatch(data):
            self.fail("wrong_format")
        return data


class Email(StrictString):
    """An address that mail can be sent to, as far as its writing tells."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_an_email": "An e-mail address is expected."
    }
    _valid = EmailValidator()

    def __init__(self, *, max_length: int = 254, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    def to_internal_value(self, data: Any) -> str:
        """Text first, then Django's own idea of an address."""
        text = super().to_internal_value(data)
        try:
            self._valid(text)
        except DjangoValidationError:
            self.fail("not_an_email")
        return text


class Currency(StrictString):
    """An active ISO 4217 code in capitals."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "unknown_currency": "An ISO 4217 currency code is expected."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=3, **options)

    def to_internal_value(self, data: Any) -> str:
        """Known, or refused."""
        if isinstance(data, str) and data not in EXPONENTS:
            self.fail("unknown_currency")
        return super().to_internal_value(data)


class CountryCode(StrictString):
    """An ISO 3166-1 alpha-2 code in capitals."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "unknown_country": "An ISO 3166-1 alpha-2 country code is expected."
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=2, **options)

    def to_internal_value(self, data: Any) -> str:
        """Assigned, or refused."""
        if isinstance(data, str) and data not in COUNTRIES:
            self.fail("unknown_country")
        return super().to_internal_value(data)


class MoneyField(AnyField):
    """`{"amount": 1999, "currency": "USD"}`, not negative, as `Money`."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_money": 'An object of exactly "amount" and "currency" is expected.'
    }

    def __init__(self, *, maximum: int = BIGINT_MAX, **options: Any) -> None:
        self.amount, self.currency = StrictInteger(maximum=maximum), Currency()
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Money:
        """Both members, each under its own pointer when it is wrong."""
        if not isinstance(data, dict) or data.keys() != {"amount", "currency"}:
            self.fail("not_money")
        amount = _member("amount", self.amount, data["amount"])
        return Money(amount, _member("currency", self.currency, data["currency"]))

    def to_representation(self, value: Any) -> Any:
        """As the API speaks of money."""
        return value.as_json()


class Metadata(AnyField):
    """The client's own notes: at most 50 short texts by name."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_an_object": "An object of strings is expected.",
        "too_many": "At most {keys_max} keys are expected.",
    }
    keys_max = 50

    def __init__(self, **options: Any) -> None:
        self.key, self.value = StrictString(max_length=40), StrictString(max_length=500, blank=True)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Count first, then each key and value."""
        if not isinstance(data, dict):
            self.fail("not_an_object")
        if len(data) > self.keys_max:
            self.fail("too_many", keys_max=self.keys_max)
        return {
            _member(key, self.key, key): _member(key, self.value, value)
            for key, value in data.items()
        }


class StrictList(serializers.ListField):
    """A list of so many; the length is looked at before any item is."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_a_list": "A list is expected.",
        "wrong_length": "Between {shortest} and {longest} items are expected.",
    }

    def __init__(self, *, child: Any, shortest: int = 0, longest: int, **options: Any) -> None:
        self.shortest, self.longest = shortest, longest
        super().__init__(child=child, **options)

    def to_internal_value(self, data: Any) -> list[Any]:
        """Check type and length, then every item."""
        if not isinstance(data, list):
            self.fail("not_a_list")
        if not self.shortest <= len(data) <= self.longest:
            self.fail("wrong_length", shortest=self.shortest, longest=self.longest)
        return self.run_child_validation(data)


def pointers(errors: Any) -> list[dict[str, str]]:
    """Turn DRF's nested errors into `[{"pointer", "code", "detail"}]`, the first hundred."""
    return [error for error, _ in zip(_flat(errors, ""), range(ERRORS_TOLD), strict=False)]


def _member(name: str, field: AnyField, value: Any) -> Any:
    try:
        return field.to_internal_value(value)
    except ValidationError as refused:
        raise ValidationError({name: refused.detail}) from None


def _flat(errors: Any, pointer: str) -> Iterator[dict[str, str]]:
    if isinstance(errors, ErrorDetail):
        yield {"pointer": pointer, "code": errors.code or "invalid", "detail": str(errors)}
    elif isinstance(errors, Mapping):
        for key, inner in errors.items():
            here = key == api_settings.NON_FIELD_ERRORS_KEY
            yield from _flat(inner, pointer if here else f"{pointer}/{pointer_token(key)}")
    else:
        for index, inner in enumerate(errors):
            at = pointer if isinstance(inner, ErrorDetail) else f"{pointer}/{index}"
            yield from _flat(inner, at)
