"""Which numbers are over their limits, and which were."""

from typing import ClassVar

from django.contrib import admin

from foundation.desk.staff import ReadOnlyAdmin, when
from foundation.models import Crossing


@admin.register(Crossing)
class CrossingAdmin(ReadOnlyAdmin):
    """Which numbers are, or were, over their limits."""

    list_display = ("began", "rule", "subject", "value", "most", "ended")
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "rule", "day")
    fields = ("rule", "subject", "day", "value", "most", "began", "seen", "ended")
    search_help_text = "The subject: an account and a currency, or a client's id."
    by_text: ClassVar = ("subject",)

    @admin.display(description="began", ordering="began_at")
    def began(self, row: Crossing) -> str:
        """When it was first seen."""
        return when(row.began_at)

    @admin.display(description="seen last", ordering="seen_at")
    def seen(self, row: Crossing) -> str:
        """When it was seen last."""
        return when(row.seen_at)

    @admin.display(description="ended", ordering="ended_at")
    def ended(self, row: Crossing) -> str:
        """When it was back below its limit."""
        return when(row.ended_at)
