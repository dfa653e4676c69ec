"""A touchpoint: one visit to the shop, as it began."""

from django.db import models

from attribution.models.snapshot import Consent
from foundation import clock
from foundation.ids import new_id, public


class Device(models.TextChoices):
    """The class of a user agent, which is all that is kept of it."""

    DESKTOP = "desktop"
    MOBILE = "mobile"
    TABLET = "tablet"
    BOT = "bot"
    UNKNOWN = "unknown"


class Touchpoint(models.Model):
    """Where one visit came from. Without consent nothing here says who the visitor was."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client_id = models.UUIDField(editable=False, help_text="the caller that told us")
    session_id = models.CharField(max_length=255, blank=True)
    browser_id = models.CharField(
        max_length=255, blank=True, help_text="what the API calls client_id: the browser's own id"
    )
    customer_reference = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=255, default="unknown")
    medium = models.CharField(max_length=255, default="unknown")
    campaign = models.CharField(max_length=255, default="unknown")
    term = models.CharField(max_length=255, blank=True)
    content = models.CharField(max_length=255, blank=True)
    campaign_id = models.CharField(max_length=255, blank=True)
    click_ids = models.JSONField(default=dict)
    referrer_host = models.CharField(max_length=255, blank=True)
    landing_page = models.CharField(max_length=2048, blank=True)
    device = models.CharField(max_length=8, choices=Device.choices, default=Device.UNKNOWN)
    consent = models.CharField(max_length=8, choices=Consent.choices, default=Consent.UNKNOWN)
    dropped = models.JSONField(default=list, help_text="names of values that were no good")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="touchpoint_without_consent_names_nobody",
                condition=~models.Q(consent="denied")
                | models.Q(session_id="", browser_id="", customer_reference="", click_ids={}),
            )
        ]
        indexes = [
            models.Index(
                fields=["client_id", "customer_reference"],
                name="touchpoint_by_customer",
                condition=~models.Q(customer_reference=""),
            ),
            models.Index(
                fields=["client_id", "browser_id"],
                name="touchpoint_by_browser",
                condition=~models.Q(browser_id=""),
            ),
            models.Index(
                fields=["session_id"],
                name="touchpoint_by_session",
                condition=~models.Q(session_id=""),
            ),
            models.Index(fields=["occurred_at"], name="touchpoint_by_time"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """Our public id."""
        return public("tch", self.id)
