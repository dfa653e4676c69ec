"""Rows of attribution: where visits and orders came from, and what analytics made of them."""

from attribution.models.conversion import Conversion, ConversionBatch
from attribution.models.gap import GapFigure, GapVersion
from attribution.models.sending import PurchaseSending, RefundSending
from attribution.models.snapshot import Attribution, Consent
from attribution.models.touchpoint import Touchpoint

__all__ = [
    "Attribution", "Consent", "Conversion", "ConversionBatch", "GapFigure", "GapVersion",
    "PurchaseSending", "RefundSending", "Touchpoint",
]  # fmt: skip
