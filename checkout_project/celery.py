"""The Celery application: settings from Django, tasks from each app, the timetable from code."""

import os

from celery import Celery, signals

from checkout_project import task_traces
from checkout_project.checks import refuse_to_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout_project.settings")

app = Celery("checkout_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# By name: what only a worker needs is imported by none but a worker.
app.steps["worker"].update(
    {"checkout_project.listening:Listening", "checkout_project.prefetch:Counting"}
)
signals.celeryd_init.connect(refuse_to_start, weak=False)
signals.beat_init.connect(refuse_to_start, weak=False)
task_traces.connect()
