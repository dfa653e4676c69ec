"""The demo keeps its promises, and its checkers see it when a shop does not."""

import contextlib
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import psutil
import pytest

from checkout_project import checks, processes
from checkout_project.demo import promises, servers, words
from checkout_project.demo.narrator import Narrator
from checkout_project.demo.outside import Mailbox, Reply, Shelf
from checkout_project.demo.play import Played, play, summary
from checkout_project.demo.promises import Aftermath, Promise
from checkout_project.demo.stories import STORIES, Story, World
from checkout_project.embedded import DATA, addresses
from tests.services import database_url

ROOT = Path(__file__).resolve().parents[2]
DEMO_SECONDS = 240
TOTAL = {"amount": 4298, "currency": "USD"}
URL = "postgres://somebody@db.example/shop"


def a_reply(status=201, doc=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, json.dumps(doc or {"order": {"id": "ord_1"}}).encode())


REPLAY = {"idempotent_replayed": "true"}
FIRST = a_reply()
AGAIN = a_reply(**REPLAY)
BUSY = a_reply(409, {"code": "idempotency_in_progress"}, retry_after="1")
SOLD_OUT = a_reply(409, {"code": "out_of_stock"})
DECLINED_DOC = {"code": "payment_declined", "decline_code": "insufficient_funds"}
DECLINED, DECLINED_AGAIN = a_reply(402, DECLINED_DOC), a_reply(402, DECLINED_DOC, **REPLAY)
UNKNOWN = a_reply(202, {"id": "chk_1", "status": "processing"}, location="/v1/checkouts/chk_1")
RESOLVED = {"id": "chk_1", "status": "completed", "order": {"id": "ord_1"}}
ONE_HOLD = {"effects": {"authorization": 1}, "requests": {"create": 1, "search": 1}}
TWO_HOLDS = {"effects": {"authorization": 2}, "requests": {"create": 2}}
NOTHING = {"effects": {}, "requests": {"create": 1}}
SHELF = Shelf(on_hand=10, reserved=2, held=0)
GOOD = Aftermath(
    order={"status": "fulfilling", "payment_status": "captured", "total": TOTAL},
    timeline=[{"what": "order.placed"}, {"what": "fulfillment.created"}],
    journal={"effects": {"authorization": 1, "capture": 1}},
    mails=1,
)


def after(**changes):
    return replace(GOOD, **changes)


def order(**changes):
    return after(order=GOOD.order | changes)


def effects(**counts):
    return after(journal={"effects": counts})


def purchase(reply=FIRST, seen=GOOD):
    return promises.purchase(reply, seen, total=TOTAL)


def repeat(first=FIRST, again=AGAIN, asked=(), new_lines=0):
    return promises.repeat(first, again, journal={"requests": dict(asked)}, new_lines=new_lines)


def crowd(replies=(FIRST, AGAIN, BUSY), repeats=(AGAIN,) * 3, orders=1, journal=ONE_HOLD):
    return promises.crowd(replies, repeats, orders=orders, journal=journal)


def decline(first=DECLINED, again=DECLINED_AGAIN, shelf=SHELF, journal=NOTHING):
    return promises.decline(first, again, before=SHELF, after=shelf, journal=journal)


def last_unit(replies=(SOLD_OUT, FIRST), shelf=Shelf(1, 1, 0), journal=ONE_HOLD):  # noqa: B008
    return promises.last_unit(replies, shelf=shelf, journal=journal)


def time_out(first=UNKNOWN, again=AGAIN, checkout=RESOLVED, journal=ONE_HOLD):
    return promises.time_out(first, again, checkout=checkout, journal=journal)


def killed_worker(killed_at="capturing", is_gone=True, seen=GOOD):
    return promises.killed_worker(killed_at=killed_at, is_gone=is_gone, seen=seen)


def broken(found):
    return [each.text for each in found if not each.kept]


def test_a_mail_of_text_and_html_is_shown_as_its_text():
    mail = EmailMessage()
    mail["To"], mail["Subject"] = "a@example.com", "Your order R1"
    mail.set_content("Thank you.\n\nTotal 1.00 USD\n")
    mail.add_alternative("<p>Thank you.</p>", subtype="html")

    assert words.mail_lines(mail) == [
        "To: a@example.com", "Subject: Your order R1", "Thank you.", "Total 1.00 USD",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "checker", [purchase, repeat, crowd, decline, last_unit, time_out, killed_worker]
)
def test_a_shop_that_keeps_its_word_is_believed(checker):
    assert broken(checker()) == []


@pytest.mark.parametrize(
    "found",
    [
        purchase(reply=a_reply(202)),
        purchase(seen=order(total={"amount": 4299, "currency": "USD"})),
        purchase(seen=order(payment_status="authorized")),
        purchase(seen=effects(authorization=1)),
        purchase(seen=after(timeline=[])),
        purchase(seen=after(mails=2)),
        repeat(again=a_reply(200, **REPLAY)),
        repeat(again=a_reply(201, {"order": {"id": "ord_2"}}, **REPLAY)),
        repeat(again=FIRST),
        repeat(asked={"create": 1}),
        repeat(new_lines=1),
        crowd(orders=2),
        crowd(journal=TWO_HOLDS),
        crowd(replies=(FIRST, FIRST, BUSY)),
        crowd(replies=(FIRST, AGAIN, a_reply(500))),
        crowd(replies=(FIRST, AGAIN, a_reply(409, {"code": "idempotency_in_progress"}))),
        crowd(repeats=(AGAIN, AGAIN, a_reply(201, {"order": {"id": "ord_2"}}))),
        decline(first=a_reply(201)),
        decline(first=a_reply(402, {"code": "payment_declined"})),
        decline(again=DECLINED),
        decline(shelf=Shelf(10, 4, 2)),
        decline(journal=ONE_HOLD),
        last_unit(replies=(FIRST, FIRST)),
        last_unit(replies=(FIRST, a_reply(409, {"code": "idempotency_in_progress"}))),
        last_unit(shelf=Shelf(1, 1, 1)),
        last_unit(journal=TWO_HOLDS),
        time_out(first=a_reply(503)),
        time_out(checkout={"id": "chk_1", "status": "processing"}),
        time_out(journal=TWO_HOLDS),
        time_out(again=a_reply(202, **REPLAY)),
        killed_worker(killed_at="captured"),
        killed_worker(is_gone=False),
        killed_worker(seen=effects(authorization=1, capture=2)),
        killed_worker(seen=after(mails=0)),
    ],
)
def test_a_shop_that_breaks_its_word_is_caught(found):
    assert broken(found)


def test_one_broken_promise_makes_the_whole_demo_fail_and_says_which():
    out = io.StringIO()
    kept = Promise("one order", kept=True)
    wrong = Promise("one e-mail", kept=False, saw="expected 1, saw 2")
    played = [Played(STORIES[0], [kept], 1.0), Played(STORIES[1], [kept, wrong], 1.0)]
    tell = Narrator(out)
    tell.promises([kept, wrong])
    assert summary(tell, played, seconds=2.0) is False
    assert "A promise was BROKEN: 2 of 3" in out.getvalue()
    assert "BROKEN      one e-mail\n" in out.getvalue()
    assert "expected 1, saw 2" in out.getvalue()
    assert summary(tell, played[:1], seconds=2.0) is True


def test_a_story_without_promises_is_no_success():
    assert summary(Narrator(io.StringIO()), [Played(STORIES[0], [], 1.0)], seconds=1.0) is False


def test_a_story_that_breaks_off_has_broken_its_promise_and_shows_the_log(tmp_path):
    out = io.StringIO()
    shop = processes.Shop(folder=tmp_path)
    shop.log("web").write_text("the line that tells why\n")

    def breaks_off(world):
        raise KeyError("order")

    world = World(None, None, None, None, None, Mailbox(tmp_path), shop, URL, Narrator(out))
    played = play(world, 1, Story("A story", "A risk.", breaks_off, logs=("web",)))
    assert not played.kept
    assert "KeyError: 'order'" in out.getvalue()
    assert "the line that tells why" in out.getvalue()


def test_waiting_is_bounded_and_says_so():
    out = io.StringIO()
    started = time.monotonic()
    assert Narrator(out).wait("a miracle", lambda: False, seconds=0.3) is False
    assert time.monotonic() - started < 3
    assert "a miracle" in out.getvalue()
    assert "gave up     after 0 s" in out.getvalue()


def test_there_are_no_colors_in_a_file():
    out = io.StringIO()
    Narrator(out).promises([Promise("one order", kept=False, saw="two")])
    assert "\033" not in out.getvalue()


def test_a_body_is_shortened_to_what_tells_the_story():
    doc = {
        "id": "chk_1",
        "cart_id": "c",
        "status": "completed",
        "total": TOTAL,
        "order": {"id": "o"},
    }
    shown = "\n".join(words.body_lines(doc))
    assert json.loads(shown) == {
        "id": "chk_1", "status": "completed", "total": "42.98 USD", "order": {"id": "o"},
    }  # fmt: skip


def test_the_servers_of_a_real_shop_are_never_chosen_for_the_demo():
    ours = addresses(DATA)
    environment = {"DATABASE_URL": ours.database_url, "CELERY_BROKER_URL": ours.broker_url}
    assert servers.chosen(environment) == {}
    assert servers.chosen({"DATABASE_URL": URL, "CELERY_BROKER_URL": ""}) == {"DATABASE_URL": URL}


def test_a_database_that_cannot_be_made_is_refused_in_one_sentence(tmp_path):
    url = "postgres://nobody@127.0.0.1:1/shop"
    refused = pytest.raises(servers.NoServer, match=r"DATABASE_URL: CREATE DATABASE .* failed")
    with refused, servers.provided(tmp_path, {"DATABASE_URL": url}):
        pass


def test_its_quick_settings_pass_the_system_check(settings):
    for name, value in servers.QUICK.items():
        setattr(settings, name, float(value))
    assert checks.time_limits_fit(None) == []
    settings.PAYMENT_LEASE_SECONDS = 1.0
    assert len(checks.time_limits_fit(None)) == 1


@contextlib.contextmanager
def started_demo(**environment):
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        try:
            yield demo
        finally:
            demo.terminate()  # gone already, or the test has failed


def own_servers():
    """Broker and .data are not to be touched by a test: both servers are the demo's own."""
    ours = addresses(DATA)
    return {"DATABASE_URL": ours.database_url, "CELERY_BROKER_URL": ours.broker_url}


@pytest.mark.e2e
@pytest.mark.timeout(DEMO_SECONDS + 30)
def test_the_demo_keeps_every_promise():
    with started_demo(**own_servers()) as demo:
        told, _ = demo.communicate(timeout=DEMO_SECONDS)
    assert demo.returncode == 0, told
    for number, story in enumerate(STORIES, start=1):
        assert f"\n{number}  {story.name}\n" in told
    assert "BROKEN" not in told
    assert "Every promise was kept" in told


@pytest.mark.e2e
@pytest.mark.timeout(DEMO_SECONDS)
def test_a_stopped_demo_leaves_nothing_running():
    with started_demo(**own_servers()) as demo:
        before = itertools.takewhile(lambda line: not line.startswith("1  "), demo.stdout)
        opening = "".join(before)
        tree = psutil.Process(demo.pid).children(recursive=True)
        assert len(tree) > len(processes.NAMES), opening
        demo.send_signal(signal.SIGINT)
        told, _ = demo.communicate(timeout=90)
    assert demo.returncode == 130, told
    assert "nothing is left running" in told
    _, alive = psutil.wait_procs(tree, timeout=5)
    assert alive == []


@pytest.mark.e2e
def test_a_database_of_ones_own_gets_a_new_one_beside_it_and_loses_it_again(tmp_path, db):
    names = "SELECT datname FROM pg_database WHERE datname LIKE 'checkout_demo_%'"
    url = database_url("postgres")
    broker = {"CELERY_BROKER_URL": ""}
    with servers.provided(tmp_path, {"DATABASE_URL": url, **broker}) as urls:
        with servers.connect(url) as line:
            (found,) = line.execute(names).fetchall()
        assert urls["DATABASE_URL"].partition("?")[0].endswith(found[0])
        with servers.connect(urls["DATABASE_URL"]) as line:
            assert line.execute("SELECT current_database()").fetchone() == found
    with servers.connect(url) as line:
        assert line.execute(names).fetchall() == []
