"""Events from Stripe: signed by whom, how long ago, for which mode, and about what."""

import datetime as dt
import json
import time

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from foundation import clock
from payments.processors import stripe_events
from tests.signing import signed

SECRET = "whsec_of_ours"
CHARGE = {"id": "ch_1", "object": "charge", "payment_intent": "pi_1",
          "metadata": {"payment": "pay_1"}}  # fmt: skip


@pytest.fixture(autouse=True)
def _ours(settings):
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    settings.STRIPE_SECRET_KEY = "sk_test_1"


def an_event(subject=None, **fields):
    event = {"id": "evt_1", "type": "charge.captured", "created": 1767225600, "livemode": False,
             "data": {"object": CHARGE if subject is None else subject}}  # fmt: skip
    return json.dumps(event | fields).encode()


def parse(body, *, secret=SECRET, at=None, signature=None):
    header = signed(body, secret=secret, at=at) if signature is None else signature
    return stripe_events.parse(body=body, signature=header)


def refused(body, **how):
    with pytest.raises(ValueError, match="genuine"):
        parse(body, **how)


def test_a_signed_event_is_read():
    event = parse(an_event())

    assert (event.external_id, event.type, event.kind) == ("evt_1", "charge.captured", "payment")
    assert (event.processor_reference, event.reference) == ("pi_1", "pay_1")
    assert event.object_id == "ch_1"
    assert event.created_at == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("subject", "kind", "payment", "reference"),
    [
        ({"id": "pi_1", "object": "payment_intent", "metadata": {"payment": "pay_1"}},
         "payment", "pi_1", "pay_1"),
        (CHARGE | {"payment_intent": {"id": "pi_1"}}, "payment", "pi_1", "pay_1"),
        (CHARGE | {"payment_intent": None}, "payment", "", "pay_1"),
        ({"id": "re_1", "object": "refund", "payment_intent": "pi_1",
          "metadata": {"refund": "rfd_1"}}, "refund", "pi_1", "rfd_1"),
        ({"id": "re_1", "object": "refund", "payment_intent": "pi_1", "metadata": None},
         "refund", "pi_1", ""),
        ({"id": "du_1", "object": "dispute", "payment_intent": "pi_1"}, "dispute", "pi_1", ""),
        ({"id": "acct_1", "object": "account"}, "other", "", ""),
        ({"object": "balance"}, "other", "", ""),
    ],
)  # fmt: skip
def test_an_event_says_what_it_is_about(subject, kind, payment, reference):
    event = parse(an_event(subject))

    assert (event.kind, event.processor_reference, event.reference) == (kind, payment, reference)
    assert event.object_id == subject.get("id", "")


def test_an_event_of_a_payout_says_how_much():
    payout = {"id": "po_1", "object": "payout", "amount": 12_345, "currency": "eur"}

    event = parse(an_event(payout, type="payout.paid"))

    assert (event.kind, event.object_id) == ("payout", "po_1")
    assert (event.amount, event.currency, event.processor_reference) == (12_345, "EUR", "")


def test_while_a_secret_is_rotated_both_are_good_and_afterwards_only_the_new_one(settings):
    settings.STRIPE_WEBHOOK_SECRET = "whsec_old, whsec_new"
    for secret in ("whsec_old", "whsec_new"):
        assert parse(an_event(), secret=secret).external_id == "evt_1"

    settings.STRIPE_WEBHOOK_SECRET = "whsec_new"
    refused(an_event(), secret="whsec_old")


def test_one_of_several_signatures_is_enough():
    body, now = an_event(), int(time.time())
    others = signed(body, secret="whsec_other", at=now)
    ours = signed(body, secret=SECRET, at=now).partition(",")[2]

    assert parse(body, signature=f"{others},{ours}").external_id == "evt_1"


@pytest.mark.parametrize("secret", ["", " ", ",", " , "])
def test_an_empty_secret_verifies_nothing(settings, secret):
    settings.STRIPE_WEBHOOK_SECRET = secret

    for guess in {"", secret, secret.strip()}:
        refused(an_event(), secret=guess)


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299])
def test_a_fresh_event_is_taken(seconds):
    assert parse(an_event(), at=int(time.time()) + seconds + 1)


@pytest.mark.parametrize("seconds", [-302, 302, -86_400, 86_400, 10**15, -(10**15)])
def test_an_event_signed_long_ago_or_far_ahead_is_refused(seconds):
    refused(an_event(), at=int(time.time()) + seconds)


def test_freshness_is_measured_by_our_clock():
    clock.move(dt.timedelta(days=2))

    refused(an_event(), at=int(time.time()))
    assert parse(an_event(), at=int(clock.now().timestamp()))


@pytest.mark.parametrize(
    ("key", "livemode", "taken"),
    [("sk_test_1", False, True), ("sk_test_1", True, False), ("sk_live_1", True, True),
     ("sk_live_1", False, False), ("rk_live_1", True, True), ("sk_test_1", None, False),
     ("sk_test_1", 0, False), ("sk_live_1", "true", False)],
)  # fmt: skip
def test_an_event_of_another_mode_than_our_key_is_refused(settings, key, livemode, taken):
    settings.STRIPE_SECRET_KEY = key
    body = an_event(livemode=livemode)

    assert parse(body).external_id == "evt_1" if taken else refused(body) is None


def test_an_event_that_does_not_name_its_mode_is_refused():
    event = json.loads(an_event())
    del event["livemode"]

    refused(json.dumps(event).encode())


def test_an_altered_event_is_refused():
    signature = signed(an_event(), secret=SECRET)

    refused(an_event().replace(b"pay_1", b"pay_2"), signature=signature)


@pytest.mark.parametrize("signature", ["", "t=", "v1=", "t=1", "t=x,v1=y", "v1=,t=x,,", None,
                                       "t=1,t=2,v1=a", "\0", "t=\u0663,v1=\u00e9"])  # fmt: skip
def test_a_header_that_is_none_is_refused(signature):
    with pytest.raises(ValueError, match="genuine"):
        stripe_events.parse(body=an_event(), signature=signature)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"5", b'"evt_1"', b"{}", b"\xff\xfe", b"[" * 100_000,
        an_event(id=5), an_event(id="evt_\0"), an_event(id=""), an_event(id="evt_" + "1" * 300),
        an_event(id="evt_\ud800"), an_event(type=None), an_event(type="a b"),
        an_event(created="soon"), an_event(created=1e300), an_event(created=None),
        an_event(data=None), an_event(data=[]), an_event([]), an_event("pi_1"), an_event({}),
        an_event({"id": "pi_1", "object": {}}), an_event(CHARGE | {"id": "ch 1"}),
        an_event(CHARGE | {"payment_intent": ["pi_1"]}), an_event(CHARGE | {"metadata": [1]}),
        an_event({"id": "po_1", "object": "payout", "amount": "1", "currency": "eur"}),
        an_event({"id": "po_1", "object": "payout", "amount": 1, "currency": "\ud800"}),
    ],
)  # fmt: skip
def test_nonsense_is_refused_although_it_is_signed(body):
    refused(body)


@pytest.mark.parametrize("written", [5, "", "a b", "pay_\0", "pay_\ud800", "x" * 256, ["pay_1"]])
def test_a_reference_that_we_can_not_have_written_is_none(written):
    assert parse(an_event(CHARGE | {"metadata": {"payment": written}})).reference == ""


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@effort(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.fixed_dictionaries(
        {"livemode": st.just(value=False)},
        optional={
            "id": ANYTHING, "type": ANYTHING, "created": ANYTHING,
            "data": st.fixed_dictionaries(
                {"object": st.fixed_dictionaries(
                    {"object": st.sampled_from(["charge", "refund", "payout", "dispute", "x"])},
                    optional={"id": ANYTHING, "payment_intent": ANYTHING, "metadata": ANYTHING,
                              "amount": ANYTHING, "currency": ANYTHING})}
            ),
        },
    )
)  # fmt: skip
def test_whatever_is_signed_is_read_or_refused_and_nothing_else(event):
    body = json.dumps(event).encode()
    try:
        parse(body)
    except ValueError:
        return
