"""Receivers that answer oddly: each try stays on record, and the endpoint is dealt with."""

import pytest

from events.models import DeliveryAttempt, WebhookDelivery, WebhookEndpoint
from tests.events.conftest import deliver
from tests.events.receiver import answer

NO_CALENDAR_HAS = "Sun, 06 Nov 99999999999999999999 08:49:37 GMT"


@pytest.mark.parametrize(("status", "state"), [(503, "enabled"), (410, "disabled")])
def test_a_date_that_can_not_be_is_no_way_to_stay_off_the_record(
    subscriber, receiver, status, state
):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(status, Retry_After=NO_CALENDAR_HAS)]

    deliver()

    assert DeliveryAttempt.objects.get().status == status
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.failing_since is not None
    assert endpoint.state == state
    assert WebhookDelivery.objects.get().state in ("retrying", "dead")
