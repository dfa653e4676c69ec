"""What must not be kept, not be erased, and not stop the others."""

import pytest
from django.core.management import CommandError, call_command

from attribution import cleaning, purchases
from attribution.models import PurchaseSending, Touchpoint
from attribution.services import snapshot
from foundation import clock
from foundation.ids import new_id
from tests import builders

VISIT = {"session_id": "s_1", "client_id": "1.2", "gclid": "g", "utm_source": "news"}


@pytest.mark.parametrize("consent", ["no", "false", 0, "denied", []])
def test_a_consent_that_can_not_be_read_is_no_consent_to_be_known(consent):
    kept, dropped = cleaning.clean(VISIT | {"consent": consent})
    row = snapshot(VISIT | {"consent": consent})

    assert kept == {"utm_source": "news"}
    assert dropped == ("client_id", "consent", "gclid", "session_id")
    assert (row.client_id, row.session_id, row.click_ids, row.consent) == ("", "", {}, "unknown")


def test_nobody_is_no_customer_whose_visits_are_erased(transactional_db):
    client, _ = builders.a_client()
    Touchpoint.objects.create(client_id=client.pk, browser_id="1.2", occurred_at=clock.now())

    for nobody in ("", "  "):
        with pytest.raises(CommandError):
            call_command("erase_touchpoints", client.name, nobody, "--reason", "asked to")

    assert Touchpoint.objects.get().browser_id == "1.2"


def test_a_purchase_that_can_not_be_told_does_not_keep_the_others_from_it(
    transactional_db, settings, monkeypatch
):
    numbers = ("R1", "R2")
    for number in numbers:
        PurchaseSending.objects.create(
            client_id=new_id(), number=number, amount=100, tax_amount=0, shipping_amount=0,
            currency="USD", placed_at=clock.now(), browser_id="1.2",
        )  # fmt: skip
    settings.ANALYTICS_PORT = "tests.attribution.test_hard_cases.Picky"

    assert purchases.tell(limit=10) == 1

    assert PurchaseSending.objects.get(number="R2").sent_at is not None
    assert PurchaseSending.objects.get(number="R1").sent_at is None


class Picky:
    """A port with a bug."""

    def send(self, purchase):
        if purchase.number == "R1":
            raise ZeroDivisionError
