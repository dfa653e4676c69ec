"""Wiring: settings, urls, Celery, the timetable, the event routes, the embedded servers."""

from checkout_project.celery import app as celery_app

__all__ = ["celery_app"]
