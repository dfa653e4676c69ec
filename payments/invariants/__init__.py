"""What must hold over payments, as far as our own rows show. Importing registers the rules."""

from payments.invariants import amounts, books, doubts, histories

__all__ = ["amounts", "books", "doubts", "histories"]
