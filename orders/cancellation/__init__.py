"""Undoing an order: by wish, as a saga; or because its payment is gone, which is followed."""

from orders.cancellation.follow import cancel_for_void, follow_payment

__all__ = ["cancel_for_void", "follow_payment"]
