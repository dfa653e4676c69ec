"""What staff see of attribution."""

from attribution.admin import conversions, gap, purchases, touchpoints

__all__ = [
    "conversions",
    "gap",
    "purchases",
    "touchpoints",
]  # importing a module registers its pages
