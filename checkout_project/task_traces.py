"""A trace goes with each message to a worker, and with those of the tasks that follow in its chain.

A message without one (a sweep's, one of the version before) belongs to no trace.
"""

from typing import Any

from celery import Task, signals

from foundation import tracing


def connect() -> None:
    """Called where the Celery application is made, so in every process that sends or takes."""
    signals.before_task_publish.connect(send_along, weak=False)
    signals.task_prerun.connect(take_up, weak=False)
    signals.task_postrun.connect(let_go, weak=False)


def send_along(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """Celery sends the rest of a chain while the task before it still runs: in its trace."""
    if headers is not None and tracing.current():
        headers[tracing.HEADER] = tracing.current()


def take_up(task: Task[Any, Any], **_: Any) -> None:
    """Before a task runs."""
    tracing.follow(tracing.read(task.request.get(tracing.HEADER)))


def let_go(**_: Any) -> None:
    """After it, whatever became of it."""
    tracing.follow("")
