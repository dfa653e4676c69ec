"""The record of what moved and of who did it: appended, never changed."""

from typing import ClassVar, Final

from django.db import models

from foundation import clock
from foundation.ids import new_id

PEOPLE: Final = "staff:"  # how an actor begins that is one of our people


class Transition(models.Model):
    """One move of one state machine. Appended by the statement that moved it; never changed."""

    is_append_only: ClassVar = True

    id = models.BigAutoField(primary_key=True)
    aggregate = models.CharField(max_length=40)
    aggregate_id = models.UUIDField()
    from_state = models.CharField(max_length=32)
    to_state = models.CharField(max_length=32)
    actor = models.CharField(max_length=120)
    reason = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["aggregate_id", "id"], name="transition_by_aggregate"),
            models.Index(
                fields=["actor"],
                name="transition_by_person",
                condition=models.Q(actor__startswith=PEOPLE),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.aggregate} {self.from_state} → {self.to_state}"


class AuditEntry(models.Model):
    """Who moved what, why, and how it stood before and after. Appended, never changed."""

    is_append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    actor = models.CharField(max_length=120)
    action = models.CharField(max_length=60)
    aggregate = models.CharField(max_length=40)
    aggregate_id = models.UUIDField()
    reason = models.CharField(max_length=500)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["aggregate_id", "at"], name="audit_by_aggregate"),
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["actor"], name="audit_by_actor"),
            models.Index(fields=["action"], name="audit_by_action"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action}"
