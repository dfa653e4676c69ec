"""The snapshot of where an order came from, written with the order and never changed."""

from django.db import models

from foundation import clock
from foundation.ids import new_id


class Consent(models.TextChoices):
    """What the visitor said when asked; `unknown` when nobody told us."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Attribution(models.Model):
    """What was known when the order was placed. Absent is `unknown`, never `direct`."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.CharField(max_length=255, default="unknown")
    medium = models.CharField(max_length=255, default="unknown")
    campaign = models.CharField(max_length=255, default="unknown")
    term = models.CharField(max_length=255, blank=True)
    content = models.CharField(max_length=255, blank=True)
    campaign_id = models.CharField(max_length=255, blank=True)
    click_ids = models.JSONField(default=dict)
    referrer_host = models.CharField(max_length=255, blank=True)
    landing_page = models.CharField(max_length=2048, blank=True)
    session_id = models.CharField(max_length=255, blank=True)
    client_id = models.CharField(max_length=255, blank=True)
    consent = models.CharField(max_length=8, choices=Consent.choices, default=Consent.UNKNOWN)
    model_version = models.PositiveSmallIntegerField(default=1)
    captured_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"{self.source} / {self.medium} / {self.campaign}"
