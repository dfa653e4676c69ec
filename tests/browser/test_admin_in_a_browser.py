"""The admin in a real browser: found, asked, moved once, refused, and nothing sticks out."""

import pytest
from django.urls import reverse

from foundation.models import Approval, AuditEntry
from payments.models import Payment
from tests import builders
from tests.stories import world
from tests.stories.test_staff import in_review


def pages_of(order):
    """Every kind of page: start, list, page, question, form, search, console."""
    return [
        reverse("admin:index"),
        reverse("admin:orders_order_changelist"),
        reverse("admin:orders_checkout_changelist"),
        reverse("admin:foundation_case_changelist"),
        reverse("admin:events_outboxevent_changelist"),
        reverse("admin:orders_order_change", args=[order.pk]),
        reverse("admin:payments_payment_change", args=[order.payment_id]),
        reverse("admin:orders_checkout_change", args=[order.checkout_id]),
        reverse("admin:payments_payment_void", args=[order.payment_id]),
        reverse("admin:orders_order_ship", args=[order.pk]),
        reverse("admin:reconciliation_reconciliationbreak_overview"),
        reverse("admin:payments_ledgerline_report"),
        reverse("admin:attribution_gapversion_report"),
        reverse("admin:orders_taxrate_add"),
        reverse("admin_find") + "?q=shopper",
    ]


def test_an_order_is_found_by_its_number_and_voided_with_a_reason(staff, order, shop):
    ana = staff("ana", "support")

    ana.page.get_by_role("searchbox").first.fill(order.public_number)
    ana.page.keyboard.press("Enter")
    ana.page.wait_for_url(f"**/orders/order/{order.pk}/change/")
    ana.page.get_by_role("link", name="Void…").click()
    ana.page.get_by_label("Reason").fill("ordered twice")
    ana.page.get_by_role("button", name="Void", exact=True).click()

    ana.page.get_by_text("Voided: the hold of 42.98 USD is released").wait_for()
    assert shop.holds(order.payment.reference) == []
    entry = AuditEntry.objects.get(action="payment.void")
    assert (entry.actor, entry.reason) == ("staff:ana", "ordered twice")


def test_a_question_without_a_reason_is_asked_again_and_moves_nothing(staff, order):
    ana = staff("ana", "support")
    ana.goes_to(reverse("admin:payments_payment_void", args=[order.payment_id]))

    ana.page.get_by_role("button", name="Void", exact=True).click()

    ana.page.get_by_text("This field is required").wait_for()
    ana.complaints.clear()  # the browser's console tells of the 422
    assert Payment.objects.get().state == "authorized"


def test_a_double_click_moves_the_money_once(staff, order, shop):
    ana = staff("ana", "support")
    ana.goes_to(reverse("admin:payments_payment_void", args=[order.payment_id]))
    ana.page.get_by_label("Reason").fill("go")

    ana.page.get_by_role("button", name="Void", exact=True).dblclick()

    ana.page.wait_for_url(f"**/payments/payment/{order.payment_id}/change/")
    world.sweep()
    assert Payment.objects.get().state == "voided"
    assert len(shop.effects(order.payment.reference, "cancel")) == 1
    assert AuditEntry.objects.filter(action="payment.void").count() == 1


def test_who_may_only_look_is_offered_nothing_and_refused(staff, order):
    viewer = staff("vera", "viewer")
    viewer.goes_to(reverse("admin:orders_order_change", args=[order.pk]))
    assert viewer.page.get_by_role("link", name="…").count() == 0

    for deed in ("orders_order_cancel", "orders_order_refund", "orders_order_note"):
        reply = viewer.goes_to(reverse(f"admin:{deed}", args=[order.pk]))
        assert reply.status == 403, deed
    viewer.complaints.clear()  # the browser's console tells of each 403
    assert Payment.objects.get().state == "authorized"


def test_a_large_void_takes_two_people(staff, order, shop, settings):
    settings.STAFF_ALONE_MAX = {"*": 10}
    ana, ben = staff("ana", "operations"), staff("ben", "operations")
    ana.goes_to(reverse("admin:payments_payment_void", args=[order.payment_id]))
    ana.page.get_by_text("another person approves it").wait_for()
    ana.page.get_by_label("Reason").fill("fraud")
    ana.page.get_by_role("button", name="Void", exact=True).click()
    ana.page.get_by_text("Nothing was moved yet").wait_for()
    asked = Approval.objects.get()
    page = reverse("admin:foundation_approval_change", args=[asked.pk])
    ana.goes_to(page)
    assert ana.page.get_by_role("link", name="Approve…").count() == 0
    assert shop.holds(order.payment.reference)

    ben.goes_to(reverse("admin:index"))
    ben.page.get_by_role("link", name="1 approvals to decide").click()
    ben.goes_to(page)
    ben.page.get_by_role("link", name="Approve…").click()
    ben.page.get_by_label("Reason").fill("looked at it")
    ben.page.get_by_role("button", name="Approve", exact=True).click()

    ben.page.get_by_text("It is done. The payment is voided.").wait_for()
    assert shop.holds(order.payment.reference) == []


def test_the_drawings_are_drawn_and_told_in_numbers(staff, order, api):
    api.checkout(builders.a_purchase(payment_method="pm_card_chargeDeclined"))
    ana = staff("ana", "viewer")

    drawings = ana.page.locator("svg.plot")
    assert drawings.count() == 6
    for nth in range(6):
        box = drawings.nth(nth).bounding_box()
        assert (box["width"] > 200, box["height"] > 50) == (True, True), nth
    assert ana.page.locator("svg.plot rect").count() >= 2
    ana.page.get_by_text("The numbers").first.click()
    assert ana.page.get_by_role("cell", name="1", exact=True).first.is_visible()


@pytest.mark.parametrize("narrow", [False, True])
def test_nothing_sticks_out_and_every_field_has_a_name(staff, order, api, narrow):
    api.checkout(in_review())
    ana = staff("ana", "operations", narrow=narrow)
    for path in pages_of(order):
        assert ana.goes_to(path).status == 200, path
        assert ana.overflow() <= 0, path
        assert ana.page.get_by_role("heading", level=1).count() == 1, path
        assert nameless(ana.page) == [], path


def nameless(page):
    """Visible fields, buttons and links that a screen reader could not name."""
    return page.evaluate("""() =>
        [...document.querySelectorAll('input, select, textarea, button, a[href]')]
        .filter(each => each.type !== 'hidden' && each.getClientRects().length)
        .filter(each => !(each.labels && each.labels.length && each.labels[0].innerText.trim())
            && !each.getAttribute('aria-label') && !each.title && !each.innerText.trim()
            && !each.placeholder && each.type !== 'submit')
        .map(each => each.outerHTML.slice(0, 120))""")


def test_everything_is_reached_with_the_keyboard(staff, order):
    ana = staff("ana", "support")
    ana.goes_to(reverse("admin:orders_order_changelist"))
    reached = tabbed(ana.page, 80)
    assert {"Filters", "Menu", order.public_number} <= reached

    ana.goes_to(reverse("admin:payments_payment_void", args=[order.payment_id]))
    tab_to(ana.page, "reason", presses=80)
    ana.page.keyboard.type("by keyboard")
    ana.page.keyboard.press("Tab")
    ana.page.keyboard.press("Enter")
    ana.page.get_by_text("Voided: the hold of 42.98 USD is released").wait_for()


def tab_to(page, name, *, presses):
    """Where the cursor stands from the start, it is there without a press."""
    for _ in range(presses):
        if page.evaluate("document.activeElement.name") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} is not reached with the keyboard")


def tabbed(page, presses):
    """The names of what Tab stops at."""
    names = set()
    for _ in range(presses):
        page.keyboard.press("Tab")
        names.add(
            page.evaluate("""() => { const at = document.activeElement;
            return (at.getAttribute('aria-label') || at.firstChild?.textContent || '').trim() }""")
        )
    return names
