"""Amounts for people, in mails and pages."""

from django import template

from foundation.money import Money

register = template.Library()


@register.filter
def money_text(amount: int, currency: str) -> str:
    """`1999|money_text:"USD"` → the amount with its currency, exact for any exponent."""
    return str(Money(amount, currency))
