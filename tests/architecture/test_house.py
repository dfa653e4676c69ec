"""The house holds itself to its own rules."""

import ast
import importlib
import re
from pathlib import Path

import pytest
from celery import signals as celery_signals
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import models
from django.utils.module_loading import import_string

from checkout_project import wsgi
from checkout_project.celery import app as celery_app
from checkout_project.checks import sagas_own_their_commits
from events import states as event_states
from events.catalogue import CATALOGUE
from events.models import WebhookDelivery, WebhookEndpoint
from foundation import states as foundation_states
from foundation.models import Case
from orders import models as order_models
from orders import states as order_states
from payments import states as payment_states
from payments.models import Payment, Payout
from reconciliation import states as reconciliation_states
from reconciliation.models import ReconciliationBreak, ReconciliationRun

ROOT = Path(__file__).resolve().parents[2]
OURS = [
    "checkout_project",
    "orders",
    "payments",
    "attribution",
    "reconciliation",
    "events",
    "foundation",
]
FLOOR = {
    "foundation": 0,
    "events": 1,
    "attribution": 2,
    "payments": 2,
    "orders": 3,
    "reconciliation": 3,
}
SOURCES = [
    path
    for package in [*OURS, "sandbox_processor"]
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]


def name_of(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_stay_under_300_lines_and_functions_under_40(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno + 1 <= 40, node.name


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_import_hides_inside_a_function(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            hidden = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
            assert not hidden, f"{node.name} imports"


def test_foreign_keys_point_down():
    for model in apps.get_models():
        if model._meta.app_label not in FLOOR:
            continue
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignKey):
                target = field.related_model._meta.app_label
                if target != model._meta.app_label:
                    assert FLOOR[target] < FLOOR[model._meta.app_label], field


def test_every_event_in_the_code_is_in_the_catalogue_and_told_by_somebody():
    told = set()
    for path in SOURCES:
        if path.parts[-2:] == ("events", "catalogue.py") or "sandbox_processor" in path.parts:
            continue
        nouns = "order|bulk_void|payment|fulfillment|dispute|processor_event|refund|reconciliation"
        nouns += "|attribution|webhook_endpoint"
        told |= set(re.findall(rf'"((?:{nouns})\.[a-z_]+)"', path.read_text()))
    told -= set(settings.EVENT_ROUTES) - set(CATALOGUE)
    events = {name for name in told if name in CATALOGUE}
    assert events == set(CATALOGUE)


def test_every_route_names_an_event_and_a_chain_that_exists():
    for event_type, chains in settings.EVENT_ROUTES.items():
        assert event_type in CATALOGUE
        for chain in chains:
            assert callable(import_string(chain))


def test_every_kind_of_case_names_verbs_that_exist():
    for kind in settings.CASE_KINDS.values():
        for path in [kind.healed, *(verb.path for verb in kind.verbs.values())]:
            assert callable(import_string(path)), path


def test_every_case_that_the_code_opens_is_of_a_kind_in_the_table():
    opened = set()
    for path in SOURCES:
        opened |= set(
            re.findall(r'^[A-Z_]+(?:: Final)? = "(\w+)"$', path.read_text(), re.MULTILINE)
        )
    assert set(settings.CASE_KINDS) <= opened


def test_every_job_in_the_timetable_is_a_task():
    celery_app.loader.import_default_modules()
    for job in settings.CELERY_BEAT_SCHEDULE.values():
        assert job["task"] in celery_app.tasks


def test_every_task_has_a_queue_and_a_body_of_one_call():
    celery_app.loader.import_default_modules()
    ours = {name for name in celery_app.tasks if name.split(".")[0] in OURS}
    assert ours == set(settings.CELERY_TASK_ROUTES)
    for app in ("orders", "payments", "attribution", "reconciliation", "events", "foundation"):
        tree = ast.parse((ROOT / app / "tasks.py").read_text())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                body = [
                    n for n in node.body if not isinstance(getattr(n, "value", None), ast.Constant)
                ]
                assert len(body) == 1, node.name
                assert isinstance(body[0], ast.Expr)
                assert isinstance(body[0].value, ast.Call)


TABLES = [
    (payment_states.PAYMENT, Payment),
    (payment_states.PAYOUT, Payout),
    (order_states.CHECKOUT, order_models.Checkout),
    (order_states.ORDER, order_models.Order),
    (order_states.RESERVATION, order_models.Reservation),
    (order_states.FULFILLMENT, order_models.Fulfillment),
    (foundation_states.CASE, Case),
    (order_states.CANCELLATION, order_models.Cancellation),
    (order_states.BULK_ROW, order_models.BulkRow),
    (event_states.ENDPOINT, WebhookEndpoint),
    (event_states.DELIVERY, WebhookDelivery),
    (reconciliation_states.RUN, ReconciliationRun),
    (reconciliation_states.BREAK, ReconciliationBreak),
]


@pytest.mark.parametrize(
    ("table", "model"), TABLES, ids=lambda value: getattr(value, "aggregate", "")
)
def test_every_state_table_is_backed_by_a_check_constraint(table, model):
    constraints = [c for c in model._meta.constraints if c.name.endswith("state_is_known")]
    (constraint,) = constraints
    (condition,) = constraint.condition.children
    assert condition == ("state__in", sorted(table.states))
    assert model._meta.get_field("state").default in table.states
    assert max(map(len, table.states)) <= model._meta.get_field("state").max_length


@pytest.mark.parametrize(
    ("table", "model"), TABLES, ids=lambda value: getattr(value, "aggregate", "")
)
def test_every_state_can_be_reached(table, model):
    reached, frontier = set(), {model._meta.get_field("state").default}
    while frontier:
        state = frontier.pop()
        reached.add(state)
        frontier |= set(table.moves.get(state, ())) - reached
    assert reached == table.states


def test_no_state_is_written_past_the_state_machine():
    """`.update(state=…)` is for the relay's own bookkeeping and the set-based stock commit."""
    allowed = {"events/relay.py", "orders/inventory.py"}
    for path in SOURCES:
        if name_of(path) in allowed or "sandbox_processor" in path.parts:
            continue
        assert not re.search(r"\.update\([^)]*\bstate=", path.read_text()), name_of(path)


def test_nothing_asynchronous_starts_but_through_the_outbox():
    allowed = {"events/relay.py"}
    for path in SOURCES:
        if name_of(path) not in allowed and "sandbox_processor" not in path.parts:
            assert not re.search(r"\.(delay|apply_async|send_task)\(", path.read_text()), name_of(
                path
            )


def test_every_row_lock_names_its_strength():
    for path in SOURCES:
        for call in re.findall(r"select_for_update\(([^)]*)\)", path.read_text()):
            assert "no_key=True" in call, name_of(path)


@pytest.mark.django_db
def test_migrations_are_complete():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_system_checks_pass():
    call_command("check", fail_level="WARNING")


def test_neither_web_nor_worker_nor_beat_starts_with_a_lease_that_is_too_short(settings):
    celery_signals.celeryd_init.send(sender="worker")
    celery_signals.beat_init.send(sender="beat")
    settings.PAYMENT_LEASE_SECONDS = 1.0

    for start in (
        lambda: celery_signals.celeryd_init.send(sender="worker"),
        lambda: celery_signals.beat_init.send(sender="beat"),
        lambda: importlib.reload(wsgi),
    ):
        with pytest.raises(SystemExit, match="PAYMENT_LEASE_SECONDS"):
            start()


def test_atomic_requests_are_refused(settings):
    assert sagas_own_their_commits(None) == []
    settings.DATABASES["default"]["ATOMIC_REQUESTS"] = True
    try:
        assert sagas_own_their_commits(None)
    finally:
        settings.DATABASES["default"]["ATOMIC_REQUESTS"] = False
