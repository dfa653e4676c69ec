"""An event that the relay gives up is on a desk each time that it does."""

from events import relay
from events.models import OutboxEvent
from foundation import cases
from foundation.models import Case


def _can_not_be_sent(_event):
    raise LookupError("no such chain")


def test_an_event_that_dies_again_is_on_a_desk_again_although_a_person_closed_that_case(
    subscriber, settings
):
    settings.RELAY_TRIES_MAX = 0
    subscriber.happened()
    event = OutboxEvent.objects.get()
    for number in range(1, 3):
        assert relay.relay_batch(limit=10, send=_can_not_be_sent) == 1
        cases.close(Case.objects.get(state="open").pk, by="staff:ana", reason="nobody needs it")
        assert Case.objects.filter(kind="event_dead", state="closed").count() == number
        assert relay.revive(event.pk)
