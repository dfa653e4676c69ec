"""The demo from beginning to end: open a shop, play the stories, sum up, leave nothing behind."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from checkout_project.demo import broker, prepare, servers
from checkout_project.demo.day.dashboard import Dashboard
from checkout_project.demo.narrator import Narrator
from checkout_project.demo.outside import Api, Mailbox, Witness
from checkout_project.demo.prepare import WayIn
from checkout_project.demo.promises import Promise
from checkout_project.demo.stories import STORIES, Story, World
from checkout_project.embedded import children
from checkout_project.embedded.cluster import BROKER, DATABASE
from checkout_project.processes import Shop, ShopFailed

LOG_LINES = 12
LOG_START, LOG_END = 90, 150  # of a long line; an exception is named at its end
WATCH_SECONDS = 1.0
WORKER_SECONDS = 60.0
TELLABLE = (httpx.HTTPError, LookupError, ValueError, AssertionError, ShopFailed)
FAREWELL = """Everything was stopped and removed. The admin: `make demo ARGS=--stay` keeps this shop
open, `make run` opens one that keeps its data; both show the admin's address and login."""


@dataclass(frozen=True, slots=True)
class Played:
    """One story and what became of its promises."""

    story: Story
    promises: Sequence[Promise]
    seconds: float

    @property
    def kept(self) -> bool:
        """Whether there were promises, and all were kept."""
        return bool(self.promises) and all(each.kept for each in self.promises)


def demo(tell: Narrator, *, stay: bool) -> bool:
    """Play everything; True when every promise was kept."""
    started = time.monotonic()
    tell.line(tell.paint("Opening a shop of its own", "title"))
    with opened(tell) as (world, way_in):
        played = [play(world, number, story) for number, story in enumerate(STORIES, start=1)]
        kept = summary(tell, played, seconds=time.monotonic() - started)
        if stay:
            remain(tell, world.shop, way_in)
    if not stay:
        tell.line(FAREWELL)
    return kept


@contextlib.contextmanager
def opened(tell: Narrator) -> Iterator[tuple[World, WayIn]]:
    """A shop with everything in it, for the life of this block."""
    with contextlib.ExitStack() as ending:
        folder = ending.enter_context(servers.folder())
        with tell.during("PostgreSQL and Redis"):
            urls = ending.enter_context(servers.provided(folder / "servers", os.environ))
        environment = servers.quick(urls, folder)
        with tell.during("tables, the sample catalog, an API key"):
            way_in = prepare.prepared({**os.environ, **environment}, folder)
        shop = Shop(folder=folder / "logs", env=environment)
        with tell.during("web, worker, beat, relay, deliverer and the sandbox processor"):
            ending.enter_context(shop)
        tell.wait(
            "the worker to answer",
            lambda: broker.worker_answers(urls[BROKER]),
            seconds=WORKER_SECONDS,
        )
        tell.labeled("open", [f"the API is at {shop.web_url}"])
        try:
            yield ending.enter_context(_world(tell, shop, way_in, environment)), way_in
        finally:
            tell.line()
            with tell.during("everything to stop"):
                ending.close()


@contextlib.contextmanager
def _world(
    tell: Narrator, shop: Shop, way_in: WayIn, environment: Mapping[str, str]
) -> Iterator[World]:
    with contextlib.ExitStack() as ending:
        keys = (way_in.key, way_in.day_key, way_in.books_key)
        api, shopper, books = (
            ending.enter_context(contextlib.closing(Api(shop.web_url, key))) for key in keys
        )
        yield World(
            api=api,
            shopper=shopper,
            books=books,
            dashboard=ending.enter_context(contextlib.closing(Dashboard(shop.sandbox_url))),
            witness=ending.enter_context(contextlib.closing(Witness(shop.sandbox_url))),
            mailbox=Mailbox(Path(environment["MAIL_FOLDER"])),
            shop=shop,
            database_url=environment[DATABASE],
            tell=tell,
        )


def play(world: World, number: int, story: Story) -> Played:
    """One story; one that breaks off has broken its promises."""
    started = time.monotonic()
    world.tell.title(number, story.name, story.risk)
    try:
        found = story.play(world)
    except TELLABLE as error:
        broken_off = f"{type(error).__name__}: {error}"
        found = [Promise("the story could be told to its end", kept=False, saw=broken_off)]
    world.tell.promises(found)
    played = Played(story, found, time.monotonic() - started)
    if not played.kept:
        show_logs(world, story)
    return played


def show_logs(world: World, story: Story) -> None:
    """The end of the logs that tell why."""
    for name in story.logs:
        lines = children.tail(world.shop.log(name)).splitlines()[-LOG_LINES:]
        world.tell.labeled(f"{name}.log", [abridged(line) for line in lines])


def abridged(line: str) -> str:
    """The beginning and the end of a long line."""
    if len(line) <= LOG_START + LOG_END:
        return line
    return f"{line[:LOG_START]} ... {line[-LOG_END:]}"


def summary(tell: Narrator, played: Sequence[Played], *, seconds: float) -> bool:
    """The table, and whether all of it is good."""
    tell.line()
    tell.line(tell.paint(f"   {'story':<54}{'promises kept':>13}{'seconds':>10}", "bold"))
    for number, each in enumerate(played, start=1):
        kept = sum(promise.kept for promise in each.promises)
        count = tell.paint(f"{kept} of {len(each.promises)}".rjust(13), color(each.kept))
        tell.line(f"{number}  {each.story.name:<54}{count}{each.seconds:>10.1f}")
    everything = [promise for each in played for promise in each.promises]
    kept = sum(promise.kept for promise in everything)
    is_good = all(each.kept for each in played)
    verdict = "Every promise was kept" if is_good else "A promise was BROKEN"
    tell.line()
    words = f"{verdict}: {kept} of {len(everything)}, in {seconds:.0f} s"
    tell.line(tell.paint(words, color(is_good)))
    return is_good


def color(is_good: bool) -> str:  # noqa: FBT001 - there is nothing else to say
    """Green or red."""
    return "good" if is_good else "bad"


def remain(tell: Narrator, shop: Shop, way_in: WayIn) -> None:
    """Keep the shop open until Ctrl-C."""
    tell.labeled(
        "admin",
        [
            f"{shop.web_url}/admin/   login {way_in.user} / {way_in.password}",
            f"API key {way_in.key}",
            "Ctrl-C stops and removes everything.",
        ],
    )
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(WATCH_SECONDS)
            shop.start_again()
