"""Rows that more than one app leans on: who calls, which keys were used, what moved, who did it."""

import uuid

from django.db import models

from foundation import clock
from foundation.approval_models import Approval as Approval
from foundation.ids import new_id
from foundation.record_models import AuditEntry as AuditEntry
from foundation.record_models import Transition as Transition
from foundation.states import CASE


class ApiClient(models.Model):
    """A caller: the shop's own backend, a partner, a back-office tool. Owns what it makes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120, unique=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = "API client"

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """One secret of a client. Only its SHA-256 is kept; two live keys are a rotation."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, related_name="keys")
    digest = models.BinaryField(max_length=32, unique=True)
    hint = models.CharField(max_length=40, help_text="how the key begins and ends, for people")
    scopes = models.JSONField(default=list)
    sees_all = models.BooleanField(default=False, help_text="may read what other clients made")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.hint


class IdempotencyKey(models.Model):
    """One promise of one effect: the key, what was asked, who is at work on it, what was answered.

    The lease (`lease_token`, `leased_until`) is the only one a saga has: whoever holds the
    newest token may write, everybody else is fenced off.
    """

    class State(models.TextChoices):
        IN_PROGRESS = "in_progress"
        COMPLETED = "completed"
        ABANDONED = "abandoned"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    scope = models.CharField(max_length=160)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    state = models.CharField(max_length=16, choices=State.choices, default=State.IN_PROGRESS)
    subject_kind = models.CharField(max_length=32, help_text="what kind of saga the key started")
    subject_id = models.UUIDField(help_text="that saga's id, known before it is")
    lease_token = models.PositiveIntegerField(default=1)
    leased_until = models.DateTimeField()
    is_paused = models.BooleanField(
        default=False, help_text="nobody is at work: it waits for a moment or for a person"
    )
    crashes = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="runners that died on it, one after the other"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    completed_at = models.DateTimeField(null=True)
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.BinaryField(null=True)
    response_headers = models.JSONField(default=dict)

    class Meta:
        constraints = [
            # The key first: people look keys up without knowing whose they are.
            models.UniqueConstraint(fields=["key", "scope"], name="one_row_per_scope_and_key"),
            models.CheckConstraint(
                name="an_ended_key_has_its_answer",
                condition=models.Q(state="in_progress", completed_at__isnull=True)
                | models.Q(
                    state__in=["completed", "abandoned"],
                    completed_at__isnull=False,
                    response_status__isnull=False,
                    response_body__isnull=False,
                ),
            ),
        ]
        indexes = [
            models.Index(
                fields=["leased_until"],
                name="idempotency_open_leases",
                condition=models.Q(state="in_progress"),
            ),
            models.Index(fields=["subject_id"], name="idempotency_subject"),
            models.Index(fields=["completed_at"], name="idempotency_completed"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class PeriodicRun(models.Model):
    """One window of one periodic job: its unique row is what lets two beats do no harm."""

    id = models.BigAutoField(primary_key=True)
    job = models.CharField(max_length=60)
    window = models.DateTimeField()
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "window"], name="one_run_per_job_and_window")
        ]

    def __str__(self) -> str:
        return f"{self.job} {self.window:%Y-%m-%d %H:%M:%S}"


class Crossing(models.Model):
    """A number of a subject that is, or was, over its limit; the rule says which number."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    rule = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    day = models.DateField(help_text="on which it began")
    value = models.FloatField(help_text="as it was read last")
    most = models.FloatField(help_text="the limit")
    began_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject", "day"], name="a_crossing_is_told_once_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject}"


class InvariantResult(models.Model):
    """What the last look at one rule found. `everything` looks at all rows, not only new ones."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=80)
    everything = models.BooleanField()
    checked_at = models.DateTimeField()
    seconds = models.FloatField(help_text="how long the look took")
    violations = models.PositiveIntegerField(help_text="rows that break the rule")
    rows = models.JSONField(default=list, help_text="the first of them: kind, id, detail")
    red_since = models.DateTimeField(null=True, help_text="since when it is broken, or unreadable")
    error = models.CharField(max_length=500, blank=True, help_text="why it could not be looked at")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "everything"], name="one_result_per_invariant_and_reach"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """green, red, or unreadable when the look itself failed."""
        if self.error:
            return "unreadable"
        return "red" if self.violations else "green"


class Case(models.Model):
    """Something that does not heal by itself, on a person's desk: what is at stake, by when.

    At most one is open for a kind and a row; whatever fails again only refreshes it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=40)
    aggregate = models.CharField(max_length=40, help_text="the kind of row it is about")
    aggregate_id = models.UUIDField()
    title = models.CharField(max_length=200)
    detail = models.CharField(max_length=1000, blank=True)
    amount = models.BigIntegerField(null=True, help_text="at stake, in minor units of `currency`")
    currency = models.CharField(max_length=3, blank=True)
    owner = models.CharField(max_length=120, help_text="role:… or staff:…")
    due_at = models.DateTimeField()
    opened_at = models.DateTimeField(default=clock.now, editable=False)
    seen_at = models.DateTimeField(default=clock.now, help_text="when it last failed")
    tries = models.PositiveIntegerField(default=1, help_text="how often it was met")
    state = models.CharField(max_length=12, default="open")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=120, blank=True)
    ended_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        permissions = [("handle_case", "Can retry, resume, compensate and close cases")]
        constraints = [
            models.CheckConstraint(
                name="case_state_is_known", condition=models.Q(state__in=sorted(CASE.states))
            ),
            models.UniqueConstraint(
                fields=["kind", "aggregate_id"],
                name="one_open_case_per_kind_and_row",
                condition=models.Q(state="open"),
            ),
            models.CheckConstraint(
                name="an_ended_case_says_who_and_why",
                condition=models.Q(state="open", ended_at__isnull=True)
                | (
                    models.Q(ended_at__isnull=False)
                    & ~models.Q(state="open")
                    & ~models.Q(ended_by="")
                    & ~models.Q(ended_reason="")
                ),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="case_open_by_deadline", condition=models.Q(state="open")
            ),
            models.Index(fields=["aggregate_id"], name="case_by_aggregate"),
        ]

    def __str__(self) -> str:
        return self.title


class QueueHeartbeat(models.Model):
    """When a worker last took a canary out of one queue: the queue lives, not only its broker."""

    queue = models.CharField(max_length=40, primary_key=True)
    beat_at = models.DateTimeField(help_text="when a worker took the last canary")

    def __str__(self) -> str:
        return self.queue


def client_scope(client_id: uuid.UUID, method: str, route: str) -> str:
    """The scope of a key: another client's same key, or another route, is another request."""
    return f"{client_id}:{method} {route}"
