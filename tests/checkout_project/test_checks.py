"""A configuration that would lose money is refused before anything starts."""

import pytest
from django.conf import settings as project

from checkout_project.checks import (
    limits_of_staff_are_of_currencies,
    longest_look_up,
    sagas_own_their_commits,
    task_ends_before_redelivery,
    the_gap_can_be_read,
    time_limits_fit,
)


def test_the_project_as_it_is_passes():
    assert time_limits_fit(None) == []
    assert task_ends_before_redelivery(None) == []
    assert sagas_own_their_commits(None) == []
    assert the_gap_can_be_read(None) == []
    assert limits_of_staff_are_of_currencies(None) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHECKOUT_LEASE_SECONDS", 49.0),
        ("PAYMENT_LEASE_SECONDS", 61.0),
        ("PROCESSOR_EVENT_LEASE_SECONDS", 49.0),
        ("NOTIFICATION_LEASE_SECONDS", 55.0),
        ("RELAY_LEASE_SECONDS", 15.0),
        ("FORWARD_SECONDS", 60.0),
        ("CELERY_TASK_SOFT_TIME_LIMIT", 85),
        ("CELERY_TASK_TIME_LIMIT", 90),
        ("STALLS_MAX", 7),
    ],
)
def test_a_limit_that_ends_before_what_it_must_outlive_is_refused(settings, name, value):
    setattr(settings, name, value)

    errors = time_limits_fit(None)

    assert errors
    assert all(name in error.msg for error in errors)
    assert {error.id for error in errors} == {"checkout.E001"}


@pytest.mark.parametrize(
    ("name", "value", "lease"),
    [
        ("STRIPE_READ_SECONDS", 14.0, "CHECKOUT_LEASE_SECONDS"),
        ("STRIPE_LIST_PAGES_MAX", 5, "PAYMENT_LEASE_SECONDS"),
        ("CLOCK_SKEW_SECONDS", 20.0, "CHECKOUT_LEASE_SECONDS"),
        ("FRAUD_SECONDS", 60.0, "CHECKOUT_LEASE_SECONDS"),
        ("TAX_SECONDS", 60.0, "CHECKOUT_LEASE_SECONDS"),
        ("EMAIL_TIMEOUT", 20, "NOTIFICATION_LEASE_SECONDS"),
        ("CELERY_BROKER_CONNECTION_TIMEOUT", 30, "RELAY_LEASE_SECONDS"),
        ("SWEEP_BUDGET_SECONDS", 60.0, "CELERY_TASK_SOFT_TIME_LIMIT"),
    ],
)
def test_what_grows_past_its_lease_is_refused_by_the_leases_name(settings, name, value, lease):
    setattr(settings, name, value)

    assert any(lease in error.msg for error in time_limits_fit(None))


def test_a_message_that_is_delivered_again_while_its_task_runs_is_refused(settings):
    options = project.CELERY_BROKER_TRANSPORT_OPTIONS
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {**options, "visibility_timeout": 120}

    (error,) = task_ends_before_redelivery(None)
    assert error.id == "checkout.E003"


def test_a_look_up_is_every_page_waited_for_in_full(settings):
    settings.STRIPE_CONNECT_SECONDS, settings.STRIPE_READ_SECONDS = 1.0, 10.0
    settings.STRIPE_LIST_PAGES_MAX = 3

    assert longest_look_up() == 44.0


@pytest.mark.parametrize(
    ("name", "value"),
    [("REPORT_TIME_ZONE", "Europe/Nowhere"), ("REPORT_TIME_ZONE", "../x"), ("REPORT_TIME_ZONE", ""),
     ("CONVERSION_VALUE", "gross")],
)  # fmt: skip
def test_a_report_that_could_not_be_read_is_refused(settings, name, value):
    setattr(settings, name, value)

    assert [error.id for error in the_gap_can_be_read(None)] == ["checkout.E004"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STAFF_ALONE_MAX", {"*": 1, "usd": 100}),
        ("STAFF_ALONE_MAX", {"*": 1, "XXX": 100}),
        ("STAFF_REQUEST_HOURS", 0.0),
        ("STAFF_REQUEST_HOURS", float("nan")),
    ],
)
def test_a_limit_of_staff_that_limits_nothing_is_refused(settings, name, value):
    setattr(settings, name, value)

    (error,) = limits_of_staff_are_of_currencies(None)

    assert name in error.msg
    assert error.id == "checkout.E005"
