"""How the demo speaks: what was asked, what came back, what happened, which promise was kept."""

import contextlib
import itertools
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from checkout_project.demo.outside import Doc, Reply, Shelf
from checkout_project.demo.promises import Promise
from checkout_project.demo.words import (
    body_lines,
    headers,
    journal_line,
    kind,
    money,
    status,
    timeline_lines,
)
from checkout_project.embedded import children

WIDTH = 100
LABEL = 12
INDENT = " " * (LABEL + 2)
PAUSE_SECONDS = 0.1
DOT_SECONDS = 1.0
SPINNER = "|/-\\"
COLORS = {"bold": "1", "dim": "2", "good": "32", "bad": "1;31", "title": "1;36"}


@dataclass(slots=True)
class Narrator:
    """Prints to one stream; colors and moving lines only where a person watches."""

    out: TextIO
    is_live: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_live = self.out.isatty()

    def paint(self, text: str, color: str) -> str:
        """The text in a color, on a terminal."""
        return f"\033[{COLORS[color]}m{text}\033[0m" if self.is_live else text

    def line(self, text: str = "") -> None:
        """One line, shown at once."""
        self.out.write(f"{text}\n")
        self.out.flush()

    def labeled(self, label: str, lines: Iterable[str]) -> None:
        """A label, and lines that hang beside it."""
        for first, text in zip(itertools.chain([label], itertools.repeat("")), lines, strict=False):
            self.line(f"  {self.paint(first.ljust(LABEL), 'dim')}{text}")

    def title(self, number: int, name: str, risk: str) -> None:
        """A story begins with what goes wrong where nobody cares."""
        self.line()
        self.line(self.paint(f"{number}  {name}", "title"))
        self.line(textwrap.fill(risk, WIDTH, initial_indent="   ", subsequent_indent="   "))

    def asked(self, body: Doc, *, key: str, note: str = "") -> None:
        """A request, in words."""
        lines = ", ".join(f"{line['quantity']} x {line['sku']}" for line in body["lines"])
        to = body["shipping_address"]
        what = f"{lines}, {body['shipping_method']} to {to['city']} {to['region']}"
        expected = body.get("expected_total")
        shown = f", expecting {money(expected)}" if expected else ""
        self.labeled(
            "asked",
            [
                f"POST /v1/checkouts   Idempotency-Key: {key}{note}",
                f"{what}{shown}, paid with {body['payment_method']}",
            ],
        )

    def answered(self, reply: Reply) -> None:
        """Status, the headers that matter, and the body without what does not."""
        self.labeled(
            "answered",
            [
                f"{self.paint(status(reply), 'bold')}   in {reply.seconds * 1000:.0f} ms",
                *headers(reply),
                *body_lines(reply.doc),
            ],
        )

    def counted(self, replies: Sequence[Reply]) -> None:
        """Many answers, by kind."""
        kinds = [kind(reply) for reply in replies]
        self.labeled(
            "answered", [f"{kinds.count(each):>2} x {each}" for each in dict.fromkeys(kinds)]
        )

    def timeline(self, entries: Sequence[Doc]) -> None:
        """What the shop wrote down, in seconds since the first line."""
        lines = timeline_lines(entries)
        self.labeled("timeline", lines or ["(empty)"])

    def journal(self, journal: Doc) -> None:
        """What the processor wrote down."""
        lines = [journal_line(entry) for entry in journal["entries"]]
        self.labeled("journal", lines or ["the processor was not asked"])

    def shelf(self, sku: str, **shelves: Shelf) -> None:
        """One product's stock at some moments."""
        lines = [
            f"{sku} {moment}: {each.on_hand} on hand, {each.reserved} reserved ({each.held} held)"
            for moment, each in shelves.items()
        ]
        self.labeled("shelf", lines)

    def promises(self, found: Sequence[Promise]) -> None:
        """One line each, with what was seen where it matters."""
        for each in found:
            word, color = ("kept", "good") if each.kept else ("BROKEN", "bad")
            self.line(f"  {self.paint(word.ljust(LABEL), color)}{each.text}")
            if not each.kept:
                self.line(textwrap.indent(textwrap.shorten(each.saw, 400), INDENT))

    def wait(self, what: str, holds: Callable[[], bool], *, seconds: float) -> bool:
        """Wait until something holds, at most so long, showing that and how time goes by."""
        with self.during(what):
            held = children.until(holds, seconds=seconds, pause=PAUSE_SECONDS)
        if not held:
            self.labeled("gave up", [f"after {seconds:.0f} s"])
        return held

    @contextlib.contextmanager
    def during(self, what: str) -> Iterator[None]:
        """Show that, and how, time goes by in this block."""
        started, over = time.monotonic(), threading.Event()
        clock = threading.Thread(target=self._tick, args=(what, started, over), daemon=True)
        if not self.is_live:
            self._show(f"  {'waiting'.ljust(LABEL)}{what} ")
        clock.start()
        try:
            yield
        finally:
            over.set()
            clock.join()
            start = f"\r\033[K  {self.paint('waited'.ljust(LABEL), 'dim')}{what}"
            self.line(f"{start if self.is_live else ''}  {time.monotonic() - started:.1f} s")

    def _tick(self, what: str, started: float, over: threading.Event) -> None:
        """A moving line on a terminal, a dot a second elsewhere."""
        for turn in itertools.cycle(SPINNER):
            if over.wait(PAUSE_SECONDS if self.is_live else DOT_SECONDS):
                return
            passed = f"{turn} {time.monotonic() - started:.1f} s"
            self._show(f"\r  {'waiting'.ljust(LABEL)}{what}  {passed}" if self.is_live else ".")

    def _show(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()
