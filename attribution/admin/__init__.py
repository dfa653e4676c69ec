"""What staff see of attribution."""

from attribution.admin import conversions, touchpoints

__all__ = ["conversions", "touchpoints"]  # importing a module registers its pages
