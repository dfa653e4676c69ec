"""Money moves at the processor, and the ledger, our steps and its journal tell the same."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from foundation import rows
from payments import processors
from payments.invariants.books import LEDGER_RULES
from payments.ledger.balances import balances, daily_totals, trial_balance
from payments.models import LedgerLine, PaymentTransaction
from payments.services import capture, journal, void
from payments.services.payout import record_payout
from tests import builders, ledger_witness
from tests.stories import world

TOTAL = 4298
FEE = 155  # 2.9 % and 30 cents: what the sandbox keeps of a capture
TAKEN = {
    "processor_receivable": TOTAL - FEE,
    "customer_receipts": -TOTAL,
    "processing_fees": FEE,
}


def balance_of(currency="USD"):
    found = {
        (balance.account.name, balance.currency): balance.amount
        for balance in balances(daily_totals())
        if balance.amount
    }
    return {account: amount for (account, in_), amount in found.items() if in_ == currency}


def broken():
    return [rule.name for rule in LEDGER_RULES if rule().violations(limit=5).count]


def step(payment, kind, amount, sequence=1, note=""):
    """What an engineer of the services writes: a step at the processor, through the journal."""
    row = PaymentTransaction(
        payment=payment, kind=kind, sequence=sequence, succeeded=True, amount=amount,
        currency=payment.currency, note=note, actor="processor",
    )  # fmt: skip
    journal.append(row)
    return row


def test_a_purchase_posts_its_hold_to_the_memo_accounts(api, shop):
    payment = world.an_order(api).payment

    assert balance_of() == {"authorizations_held": TOTAL, "authorizations_granted": -TOTAL}
    ledger_witness.agree(shop, [payment])
    assert broken() == []


def test_a_capture_turns_the_hold_into_what_the_processor_owes_us(api, shop):
    payment = world.an_order(api).payment

    capture.capture(payment.pk, by="system:test")

    assert balance_of() == TAKEN
    ledger_witness.agree(shop, [payment])
    assert broken() == []


def test_a_void_leaves_nothing_in_any_account(api, shop):
    payment = world.an_order(api).payment

    void.void(payment.pk, by="staff:ana", reason="test")

    assert balance_of() == {}
    ledger_witness.agree(shop, [payment])
    assert broken() == []


def test_a_declined_card_posts_nothing(api, shop):
    assert api.checkout(builders.a_purchase(payment_method=builders.decline())).status_code == 402

    assert not LedgerLine.objects.exists()
    ledger_witness.agree(shop)
    assert broken() == []


def test_a_capture_whose_answer_is_lost_posts_once_when_it_is_settled(api, shop, monkeypatch):
    payment = world.an_order(api).payment
    world.die_after(monkeypatch, "capture")
    with pytest.raises(world.ProcessDied):
        capture.capture(payment.pk, by="system:test")
    assert ledger_witness.differences(shop, [payment])  # the processor knows more than we do

    world.drive_everything(3)

    assert balance_of() == TAKEN
    ledger_witness.agree(shop, [payment])
    assert broken() == []


def test_what_happens_at_the_processor_and_what_we_post_of_it_agree_at_every_step(api, shop):
    payment = world.an_order(api).payment
    port = processors.processor("stripe")
    at = {"processor_reference": payment.processor_reference}

    port.capture(**at, amount=3000, key=f"{payment.reference}-capture", final=True)
    assert len(ledger_witness.differences(shop, [payment])) == 3  # held, granted, receipts
    step(payment, "capture", 3000)
    step(payment, "void", 1298, note="remainder")
    ledger_witness.agree(shop, [payment])

    refund = port.refund(**at, amount=500, key=f"{payment.reference}-r", reference="rfd_x")
    step(payment, "refund", 500)
    ledger_witness.agree(shop, [payment])

    shop.backstage(f"refunds/{refund.processor_reference}/settle", status="failed")
    step(payment, "refund_failure", 500)
    ledger_witness.agree(shop, [payment])

    dispute = shop.backstage("disputes", payment=payment.processor_reference, amount=2500)
    step(payment, "chargeback", 2500)
    step(payment, "fee", 1500, sequence=101, note="dispute")
    ledger_witness.agree(shop, [payment])

    shop.backstage(f"disputes/{dispute['id']}/close", status="won")
    step(payment, "chargeback_reversal", 2500)
    ledger_witness.agree(shop, [payment])
    assert broken() == ["ledger_is_the_fold"]  # these steps were written past the services


@pytest.mark.django_db
def test_the_whole_life_of_a_payment_adds_up_account_by_account():
    payment = builders.PaymentFactory.create()
    step(payment, "authorization", TOTAL)
    step(payment, "capture", 3000)
    step(payment, "void", 1298, note="remainder")
    step(payment, "fee", 117)
    step(payment, "refund", 500)
    step(payment, "refund", 200, sequence=2)
    step(payment, "refund_failure", 200, sequence=2)
    step(payment, "chargeback", 2500)
    step(payment, "fee", 1500, sequence=101, note="dispute")
    record_payout(
        processor_reference="po_1", amount=800, currency="USD", state="paid", arrives_on=None,
        by="processor",
    )  # fmt: skip

    assert balance_of() == {
        "processor_receivable": 3000 - 117 - 500 - 2500 - 1500 - 800,
        "bank": 800,
        "customer_receipts": -3000,
        "refunds": 500,
        "chargebacks": 2500,
        "processing_fees": 117,
        "dispute_fees": 1500,
    }
    assert [row.difference for row in trial_balance(balances(daily_totals()))] == [0]


@pytest.mark.django_db
def test_currencies_with_no_two_and_three_decimals_stand_beside_each_other():
    for currency in ("JPY", "USD", "KWD"):
        payment = builders.PaymentFactory.create(currency=currency, amount=1_234)
        step(payment, "authorization", 1_234)
        step(payment, "capture", 1_234)

    for currency in ("JPY", "USD", "KWD"):
        assert balance_of(currency) == {
            "processor_receivable": 1_234, "customer_receipts": -1_234,
        }  # fmt: skip
    assert {row.currency: row.difference for row in trial_balance(balances(daily_totals()))} == {
        "JPY": 0, "KWD": 0, "USD": 0,
    }  # fmt: skip


@pytest.mark.django_db
def test_the_report_prints_balances_and_fails_when_a_rule_is_broken(capsys):
    payment = builders.PaymentFactory.create()
    step(payment, "authorization", TOTAL)

    with pytest.raises(CommandError, match="ledger_is_the_fold"):
        call_command("ledger_report")

    told = capsys.readouterr().out
    assert "authorizations_held" in told
    assert "42.98 USD" in told
    assert "open for 0 days" in told
    assert "the ledger holds 4298" in told


@pytest.mark.django_db
def test_steps_of_an_older_release_get_their_entries_by_hand_and_only_once(capsys):
    payment = builders.PaymentFactory.create(authorized_amount=TOTAL, state="authorized")
    rows.insert(
        PaymentTransaction(
            payment=payment, kind="authorization", succeeded=True, amount=TOTAL, currency="USD",
            actor="client:old",
        )
    )  # fmt: skip
    assert "ledger_has_every_step_once" in broken()

    call_command("post_missing_entries")
    call_command("post_missing_entries")

    assert capsys.readouterr().out == "1 entries posted\n0 entries posted\n"
    assert broken() == []


@pytest.mark.django_db
def test_a_ledger_with_its_guard_switched_off_is_noticed():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_ledgerline DISABLE TRIGGER entries_balance")

    assert broken() == ["ledger_guards_stand"]
