"""The Celery application: settings from Django, tasks from each app, the timetable from code."""

import os

from celery import Celery, signals

from checkout_project import prefetch
from checkout_project.checks import refuse_to_start
from checkout_project.listening import Listening

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout_project.settings")

app = Celery("checkout_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Listening)
prefetch.install()
signals.celeryd_init.connect(refuse_to_start, weak=False)
signals.beat_init.connect(refuse_to_start, weak=False)
