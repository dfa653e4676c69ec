"""Staff see how well the books agree, and handle breaks as far as they may."""

import csv
import io

import pytest

from foundation import clock
from foundation.metrics import exposition
from foundation.models import AuditEntry
from reconciliation import runs
from reconciliation.admin.exporting import harmless
from reconciliation.models import ReconciliationBreak
from tests.reconciliation.books import DAY, END, HOUR, Line, Step, Story, write
from tests.stories.test_staff import somebody

BREAK = "reconciliation_reconciliationbreak"


@pytest.fixture(autouse=True)
def a_day(transactional_db):
    """Of three payments one matches; one is known to nobody, one differs by a cent."""
    clock.move(END + 5 * HOUR - clock.now())
    write(
        Story(ours=[Step("capture", 100)], theirs=[Line("charge", 100)]),
        Story(theirs=[Line("charge", 4298)], is_known=False),
        Story(
            ours=[Step("capture", 100, at=END - 60 * HOUR)],
            theirs=[Line("charge", 101, at=END - 59 * HOUR)],
        ),
    )
    runs.reconcile(account="stripe", day=DAY, by="test")


@pytest.fixture
def orphan():
    return ReconciliationBreak.objects.get(kind="orphan_capture")


def act(staff, verb, row, **fields):
    """Open the form, and send it."""
    address = f"/admin/reconciliation/reconciliationbreak/{row.pk}/act/{verb}/"
    asked = staff.client.get(address)
    if asked.status_code != 200:
        return asked
    token = asked.context["form"].initial["token"]
    sent = staff.client.post(address, {"token": token, "reason": "because"} | fields)
    return sent if sent.status_code != 302 else staff.client.get(sent["Location"])


def test_the_most_money_for_the_longest_stands_on_top():
    page = somebody("ana").page(f"{BREAK}_changelist")

    assert page.index("orphan capture</a>") < page.index("amount mismatch</a>")


def test_a_breaks_page_has_both_sides_as_money(orphan):
    page = somebody("ana").page(f"{BREAK}_change", orphan.pk)

    assert "Our books" in page
    assert "The processor&#x27;s" in page or "The processor's" in page
    assert "42.98 USD" in page
    assert orphan.processor_reference in page


def test_whoever_may_not_handle_breaks_sees_no_button_and_does_nothing(orphan):
    ana = somebody("ana")

    assert "Resolve…" not in ana.page(f"{BREAK}_change", orphan.pk)
    assert act(ana, "resolve", orphan).status_code == 403


def test_a_break_is_taken_and_resolved_with_a_reason(orphan):
    ana = somebody("ana", "handle_break")

    assert "It is assigned." in act(ana, "take", orphan).content.decode()
    assert "It is resolved." in act(ana, "resolve", orphan, reason="a test").content.decode()

    orphan.refresh_from_db()
    assert (orphan.state, orphan.assignee) == ("resolved", "staff:ana")
    assert AuditEntry.objects.get(action="break.resolve").reason == "a test"


def test_no_reason_is_no_deed(orphan):
    ana = somebody("ana", "handle_break")

    assert act(ana, "resolve", orphan, reason=" ").status_code == 422
    orphan.refresh_from_db()
    assert orphan.state == "open"


def test_writing_off_needs_a_permission_of_its_own_and_a_second_person(orphan, settings):
    settings.RECONCILIATION_WRITE_OFF_ALONE = 4298
    ana = somebody("ana", "handle_break", "write_off_break")
    ben = somebody("ben", "write_off_break")
    assert act(somebody("eve", "handle_break"), "write_off", orphan).status_code == 403

    act(ana, "take", orphan)
    assert "somebody else must" in act(ana, "write_off", orphan).content.decode()
    assert "It is written off." in act(ben, "write_off", orphan).content.decode()


def test_the_overview_shows_how_much_matched_and_what_is_open():
    page = somebody("ana").page(f"{BREAK}_overview")

    assert page.count('<svg class="plot"') == 2
    assert "2026-03-10: stripe 33.3%" in page
    assert "42.98 USD" in page


def test_the_export_is_what_the_list_shows(orphan):
    reply = somebody("ana").get(f"{BREAK}_export", kind="orphan_capture")

    (row,) = csv.DictReader(io.StringIO(reply.content.decode()))
    assert (row["id"], row["at_risk"], row["currency"]) == (orphan.reference, "42.98", "USD")


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r"])
def test_nothing_in_an_export_is_a_formula(begins):
    assert harmless(f"{begins}SUM(A1)") == f"'{begins}SUM(A1)"
    assert harmless(f"plain{begins}") == f"plain{begins}"


def test_a_run_says_what_it_found():
    staff = somebody("ana")
    run = runs.ReconciliationRun.objects.get()

    page = staff.page("reconciliation_reconciliationrun_change", run.pk)

    assert "1 of 3" in page
    assert "orphan capture" in page


def test_the_gauges_tell_the_same():
    told = exposition().decode()

    assert 'reconciliation_matched_ratio{account="stripe"} 0.33' in told
    assert 'reconciliation_breaks_open{kind="orphan_capture"} 1.0' in told
    assert 'reconciliation_breaks_open_amount{currency="USD",kind="orphan_capture"} 4298.0' in told
    assert "reconciliation_failed_days 0.0" in told


@pytest.fixture
def candidate(orphan):
    """A payment of ours for the same amount, that nothing there was told of."""
    story = Story(ours=[Step("capture", 4298, at=END - 60 * HOUR)])
    write(story)
    return story.payment


def match_address(row, verb="match"):
    return f"/admin/reconciliation/reconciliationbreak/{row.pk}/{verb}/"


def say(staff, row, **fields):
    """Name what belongs to it, look at both sides, and say yes to what was shown."""
    given = {"token": "-", "reason": "the bank says so"} | fields
    shown = staff.client.post(match_address(row), given)
    token = shown.context["form"]["token"].value()
    return shown, staff.client.post(match_address(row), given | {"token": token}, follow=True)


def test_a_break_is_matched_by_hand_after_a_look_at_both_sides(orphan, candidate):
    ana = somebody("ana", "match_break")
    assert "Match by hand" in ana.page(f"{BREAK}_change", orphan.pk)

    shown, done = say(ana, orphan, payments=candidate.reference)

    assert "The processor&#x27;s: captured" in shown.content.decode()
    assert f"orphan capture {orphan.reference}" in shown.content.decode()
    assert "It is matched." in done.content.decode()
    orphan.refresh_from_db()
    assert (orphan.state, AuditEntry.objects.get(action="break.match").actor) == (
        "resolved",
        "staff:ana",
    )


def test_a_match_is_taken_back_from_the_breaks_page(orphan, candidate):
    ana = somebody("ana", "match_break")
    say(ana, orphan, payments=candidate.reference)
    asked = ana.client.get(match_address(orphan, "unmatch"))
    token = asked.context["form"].initial["token"]

    ana.client.post(match_address(orphan, "unmatch"), {"token": token, "reason": "wrong"})

    orphan.refresh_from_db()
    assert orphan.state == "reopened"


def test_what_differs_is_shown_and_nothing_is_matched_unless_that_is_wanted(orphan, candidate):
    candidate.transactions.create(
        kind="capture", sequence=2, succeeded=True, amount=1, currency="USD", actor="test",
        created_at=END - 60 * HOUR,
    )  # fmt: skip
    ana = somebody("ana", "match_break")

    shown, done = say(ana, orphan, payments=candidate.reference)
    assert "They differ" in shown.content.decode()
    assert "Nothing was done." in done.content.decode()
    _, done = say(ana, orphan, payments=candidate.reference, keeps_difference="on")

    assert "It is matched." in done.content.decode()


def test_whoever_may_not_match_does_not(orphan, candidate):
    eve = somebody("eve", "handle_break", "write_off_break")

    assert "Match by hand" not in eve.page(f"{BREAK}_change", orphan.pk)
    for verb in ("match", "unmatch"):
        assert eve.client.get(match_address(orphan, verb)).status_code == 403
    assert eve.client.post(match_address(orphan), {"reason": "x"}).status_code == 403
