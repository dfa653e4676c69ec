"""The feed: those events that clients are told of, in an order that may be resumed from."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from events.models.outbox import OutboxEvent


class FeedEntry(models.Model):
    """An event's place in the feed of its client.

    Written with the event, by the same statement. `position` is given after the commit, by one
    hand at a time: whoever has read up to a position has missed none before it.
    """

    event = models.OneToOneField(
        OutboxEvent, primary_key=True, on_delete=models.PROTECT, related_name="feed_entry"
    )
    client_id = models.UUIDField(null=True, help_text="none: for keys that see all, only")
    type = models.CharField(max_length=60)
    position = models.PositiveBigIntegerField(null=True, unique=True)
    subjects = ArrayField(
        models.CharField(max_length=40), default=list, help_text="public ids it tells of"
    )

    class Meta:
        verbose_name_plural = "feed entries"
        indexes = [
            models.Index(fields=["event"], name="feed_unnumbered", condition=Q(position=None)),
            models.Index(fields=["client_id", "position"], name="feed_by_client"),
            GinIndex(fields=["subjects"], name="feed_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.position}"
