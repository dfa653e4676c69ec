"""When a worker that lives is taken for deaf: pure, with a clock of the test's own."""

from checkout_project.listening import Patience

WAITED_FOR = {"is_busy": False, "is_waited_for": True}


def patience():
    return Patience(idle_seconds=60, busy_seconds=180)


def test_an_idle_worker_that_takes_nothing_though_messages_wait_is_deaf():
    it = patience()

    answers = [it.is_over(now=now, seen=7, **WAITED_FOR) for now in (0, 30, 60, 61)]

    assert answers == [False, False, False, True]


def test_a_worker_that_takes_one_has_all_its_time_again():
    it = patience()
    it.is_over(now=0, seen=7, **WAITED_FOR)

    answers = [it.is_over(now=now, seen=8, **WAITED_FOR) for now in (61, 120, 122)]

    assert answers == [False, False, True]


def test_nothing_to_take_is_no_deafness_however_long():
    it = patience()

    quiet = [it.is_over(now=now, seen=7, is_busy=False, is_waited_for=False) for now in (0, 9_999)]
    late = it.is_over(now=10_000, seen=7, **WAITED_FOR)

    assert [*quiet, late] == [False, False, False]


def test_a_worker_at_work_is_given_the_time_that_a_task_may_take():
    it = patience()

    answers = [
        it.is_over(now=now, seen=7, is_busy=True, is_waited_for=True) for now in (0, 180, 181)
    ]

    assert answers == [False, False, True]
