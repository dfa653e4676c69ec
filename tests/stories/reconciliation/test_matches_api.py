"""What no id connects is matched over the API: once, on record, and taken back."""

import pytest

from foundation import clock
from reconciliation import handling, runs
from reconciliation.models import Match, ReconciliationBreak
from tests import builders
from tests.conftest import Api
from tests.reconciliation.books import DAY, END, HOUR, Line, Step, Story, write

PATH = "/v1/reconciliation-matches"


@pytest.fixture
def books(shop):
    """A key that sees all."""
    _, key = builders.a_client(sees_all=True)
    return Api(key)


@pytest.fixture
def ours():
    return [Story([Step("capture", 30)]), Story([Step("capture", 70)])]


@pytest.fixture
def lost(transactional_db, settings, ours):
    settings.RECONCILIATION_SETTLED_SECONDS = 0.0
    clock.move(END + 5 * HOUR - clock.now())
    write(Story(theirs=[Line("charge", 100)], is_known=False), *ours)
    runs.reconcile(account="stripe", day=DAY, by="test")
    return ReconciliationBreak.objects.get(kind="orphan_capture")


def match(api, row, *stories, key=None, **body):
    payments = [story.payment.reference for story in stories]
    wanted = {"break": row.reference, "payments": payments, "reason": "the bank says so"}
    return api.post(PATH, wanted | body, key=key or builders.a_key())


def test_one_movement_is_matched_with_two_payments(books, lost, ours):
    reply = match(books, lost, *ours)

    body = reply.json()
    assert reply.status_code == 201, body
    assert (body["status"], body["difference"]) == ("matched", {"amount": 0, "currency": "USD"})
    assert sorted(body["payments"]) == sorted(story.payment.reference for story in ours)
    assert lost.processor_reference in body["processor_references"]
    assert len(body["closed"]) == 3
    assert books.get(reply["Location"]).json() == body
    assert books.get(PATH).json()["items"] == [body]
    assert books.get(f"/v1/reconciliation-breaks/{lost.reference}").json()["status"] == "resolved"


def test_the_same_key_says_it_once(books, lost, ours):
    key = builders.a_key()

    first, again = match(books, lost, *ours, key=key), match(books, lost, *ours, key=key)

    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert Match.objects.count() == 1


def test_it_is_taken_back_once(books, lost, ours):
    made = match(books, lost, *ours).json()
    undo, key = f"{PATH}/{made['id']}/undo", builders.a_key()

    reply = books.post(undo, {"reason": "it was not so"}, key=key)

    assert (reply.status_code, reply.json()["status"]) == (200, "undone")
    assert books.post(undo, {"reason": "it was not so"}, key=key).content == reply.content
    other = books.post(undo, {"reason": "once more"}, key=builders.a_key())
    assert (other.status_code, other.json()["code"]) == (409, "matched_already")
    lost.refresh_from_db()
    assert lost.state == "reopened"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"payments": []}, 422, "not_matchable"),
        ({"payments": ["pay_" + "a" * 28]}, 422, "not_matchable"),
        ({"payments": ["ord_1"]}, 422, "invalid_request"),
        ({"payments": "pay_1"}, 422, "invalid_request"),
        ({"payments": ["pay_1"] * 101}, 422, "invalid_request"),
        ({"processor_references": ["pi_nowhere"]}, 422, "not_matchable"),
        ({"processor_references": ["pi_\u0000"]}, 422, "invalid_request"),
        ({"keeps_difference": "yes"}, 422, "invalid_request"),
        ({"reason": ""}, 422, "invalid_request"),
        ({"because": "x"}, 422, "invalid_request"),
        ({"break": "brk_" + "a" * 28}, 404, "not_found"),
    ],
)
def test_what_can_not_be_matched_is_refused_and_nothing_is_written(
    books, lost, ours, body, status, code
):
    reply = match(books, lost, *ours, **body)

    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.json()
    assert not Match.objects.exists()


def test_sums_that_differ_are_told_and_kept_only_when_that_is_wanted(books, lost, ours):
    refused = match(books, lost, ours[0])

    assert (refused.status_code, refused.json()["code"]) == (409, "sums_differ")
    assert refused.json()["theirs"]["captured"] - refused.json()["ours"]["captured"] == 70

    kept = match(books, lost, ours[0], keeps_difference=True)
    assert kept.json()["difference"] == {"amount": 70, "currency": "USD"}
    (rest,) = books.get("/v1/reconciliation-breaks", kind="amount_mismatch").json()["items"]
    assert (rest["status"], rest["amount"]["amount"]) == ("open", 70)


def test_from_an_amount_on_somebody_else_must_have_taken_it(books, lost, ours, settings):
    settings.RECONCILIATION_WRITE_OFF_ALONE = 100
    assert match(books, lost, *ours).json()["code"] == "second_person_needed"

    handling.take(lost.pk, by="staff:ana", reason="mine")

    assert match(books, lost, *ours).status_code == 201


def test_a_key_of_one_client_may_not(api, lost, ours):
    for reply in (match(api, lost, *ours), api.get(PATH)):
        assert (reply.status_code, reply.json()["code"]) == (403, "account_wide_key_required")
