"""What staff see of attribution."""

from attribution.admin import conversions, gap, touchpoints

__all__ = ["conversions", "gap", "touchpoints"]  # importing a module registers its pages
