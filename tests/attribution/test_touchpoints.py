"""A visit is told once, keeps only what consent allows, and names what was no good."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from attribution import retention
from attribution.models import Touchpoint
from foundation import clock
from foundation.models import AuditEntry, IdempotencyKey
from tests import builders
from tests.conftest import Api

PATH = "/v1/touchpoints"
VISIT = {
    "session_id": "s_1", "client_id": "123.456", "customer_reference": "cus_42",
    "utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "spring", "gclid": "abc",
    "referrer": "https://news.example/letter/7?user=9",
    "landing_page": "https://shop.example/mugs?token=secret", "consent": True,
    "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148",
    "occurred_at": "2026-11-20T10:00:00Z",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _keeps_long(settings):
    settings.TOUCHPOINTS_KEEP = dt.timedelta(days=36_500)


def tell(caller, **changes):
    return caller.post(PATH, VISIT | changes, key=builders.a_key())


def test_a_visit_is_kept_with_where_it_came_from(caller):
    reply = tell(caller)

    assert reply.status_code == 201, reply.content
    told = reply.json()
    assert told["id"].startswith("tch_")
    assert (told["source"], told["medium"], told["campaign"]) == ("newsletter", "email", "spring")
    assert (told["session_id"], told["client_id"]) == ("s_1", "123.456")
    assert told["referrer_host"] == "news.example"
    assert told["landing_page"] == "shop.example/mugs"
    assert (told["device"], told["consent"]) == ("mobile", "granted")
    assert told["occurred_at"] == "2026-11-20T10:00:00Z"
    assert "secret" not in reply.content.decode()
    assert Touchpoint.objects.get().customer_reference == "cus_42"


def test_the_same_key_tells_of_one_visit_only(caller):
    key = builders.a_key()
    first = caller.post(PATH, VISIT, key=key)
    again = caller.post(PATH, VISIT, key=key)

    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert Touchpoint.objects.count() == 1


def test_another_visit_under_the_same_key_is_refused(caller):
    key = builders.a_key()
    caller.post(PATH, VISIT, key=key)

    reply = caller.post(PATH, VISIT | {"utm_source": "ads"}, key=key)

    assert reply.json()["code"] == "idempotency_key_reused"
    assert Touchpoint.objects.count() == 1


def test_without_consent_nothing_says_who_it_was(caller):
    told = tell(caller, consent=False).json()

    assert told["consent"] == "denied"
    assert told["source"] == "newsletter"
    row = Touchpoint.objects.get()
    assert (row.session_id, row.browser_id, row.customer_reference) == ("", "", "")
    assert row.click_ids == {}


def test_the_database_itself_keeps_no_identifier_without_consent(caller):
    tell(caller)

    with pytest.raises(IntegrityError), transaction.atomic():
        Touchpoint.objects.update(consent="denied")


def test_a_visit_of_which_nothing_is_known_is_unknown_and_never_direct(caller):
    told = caller.post(PATH, {"session_id": "s_1"}, key=builders.a_key()).json()

    assert (told["source"], told["medium"], told["consent"]) == ("unknown",) * 3


def test_noise_is_left_out_and_told_by_name(caller):
    told = tell(caller, utm_source="{utm_source}", utm_campaign="x" * 256, gclid="%GCLID%").json()

    assert told["source"] == told["campaign"] == "unknown"
    assert told["click_ids"] == {}
    assert told["dropped"] == ["gclid", "utm_campaign", "utm_source"]


BAD = {
    "a list": [],
    "nothing": {},
    "only nulls": {"utm_source": None},
    "a number as source": VISIT | {"utm_source": 7},
    "consent as text": VISIT | {"consent": "yes"},
    "an unknown member": VISIT | {"utm_sorce": "x"},
    "a time without offset": VISIT | {"occurred_at": "2026-11-20T10:00:00"},
    "a date": VISIT | {"occurred_at": "2026-11-20"},
    "a time that can not be": VISIT | {"occurred_at": "2026-02-30T10:00:00Z"},
    "the last moment of time": VISIT | {"occurred_at": "9999-12-31T23:59:59-23:59"},
    "the first moment of time": VISIT | {"occurred_at": "0001-01-01T00:00:00+23:59"},
    "a time to come": VISIT | {"occurred_at": "2999-01-01T00:00:00Z"},
    "a long customer": VISIT | {"customer_reference": "c" * 101},
    "a control character": VISIT | {"customer_reference": "a\u0007"},
    "an object": VISIT | {"referrer": {"url": "x"}},
}


@pytest.mark.parametrize("name", BAD)
def test_a_shape_that_will_not_do_is_refused_and_nothing_is_stored(caller, name):
    reply = caller.post(PATH, BAD[name], key=builders.a_key())

    assert reply.status_code == 422, reply.content
    assert reply["Content-Type"] == "application/problem+json"
    assert not Touchpoint.objects.exists()
    assert not IdempotencyKey.objects.exists()


def test_odd_urls_are_no_error(caller):
    assert tell(caller, referrer="http://[", landing_page="//[::1").status_code == 201


def test_a_visit_needs_a_key_and_the_scope_of_shoppers(caller, transactional_db):
    _, reader = builders.a_client(scopes=["orders:read"])

    assert caller.post(PATH, VISIT).json()["code"] == "idempotency_key_missing"
    assert tell(Api(reader)).status_code == 403
    assert not Touchpoint.objects.exists()


DEVICES = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120": "desktop",
    "Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)": "tablet",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) Mobile Safari/537.36": "mobile",
    "Mozilla/5.0 (Linux; Android 14; SM-X200) Safari/537.36": "tablet",
    "Mozilla/5.0 (compatible; Googlebot/2.1)": "bot",
    "curl/8.0": "unknown",
    "": "unknown",
}


@pytest.mark.parametrize("agent", DEVICES)
def test_of_the_user_agent_only_its_class_is_kept(caller, agent):
    assert tell(caller, user_agent=agent).json()["device"] == DEVICES[agent]


def test_old_visits_are_forgotten_and_young_ones_stay(caller, settings):
    tell(caller, occurred_at="2026-01-01T00:00:00Z")
    tell(caller, occurred_at=None)
    settings.TOUCHPOINTS_KEEP = dt.timedelta(days=30)

    assert retention.forget_old(limit=1) == 1
    assert Touchpoint.objects.get().occurred_at > clock.now() - dt.timedelta(days=1)


def test_a_customer_can_be_erased_on_every_browser(caller, client, capsys):
    tell(caller)
    tell(caller, customer_reference=None, session_id="s_2")
    tell(caller, customer_reference="cus_43", client_id="9.9", session_id="s_3")

    call_command("erase_touchpoints", client.name, "cus_42", "--reason", "asked to")

    assert "2 touchpoints" in capsys.readouterr().out
    left = Touchpoint.objects.exclude(browser_id="").get()
    assert left.customer_reference == "cus_43"
    assert "cus_42" not in str(Touchpoint.objects.values())
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.after) == ("touchpoints.erase", {"touchpoints": 2})
    assert "cus_42" not in f"{entry.before}{entry.after}{entry.reason}"
