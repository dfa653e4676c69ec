"""The HTTP edge of the shop."""
