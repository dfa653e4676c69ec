"""`manage.py check_invariants`: ask every rule now; reads only, ends non-zero on a violation."""

import datetime as dt
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from foundation import clock
from foundation.invariants import Findings, Invariant, every_rule


class Command(BaseCommand):
    """Each rule is one statement in a READ ONLY transaction, and nothing is stored."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Which rules, which rows, how many offenders are shown."""
        parser.add_argument("names", nargs="*", help="only these rules (default: all)")
        parser.add_argument("--days", type=float, help="only rows made in the last so many days")
        parser.add_argument("--limit", type=int, default=20, help="offenders shown of each rule")

    def handle(self, *_args: Any, **options: Any) -> None:
        """One line a rule as it is answered, the offenders under it."""
        rules = self._rules(options["names"])
        days = options["days"]
        since = None if days is None else clock.now() - dt.timedelta(days=days)
        broken = [
            rule.name
            for number, rule in enumerate(rules, start=1)
            if not self._holds(f"[{number}/{len(rules)}]", rule, since, max(options["limit"], 1))
        ]
        if broken:
            raise CommandError(f"{len(broken)} of {len(rules)} rules do not hold: {broken}")
        self.stdout.write(f"All {len(rules)} rules hold.")

    def _rules(self, names: list[str]) -> list[Invariant]:
        known = {rule.name: rule for rule in every_rule()}
        if unknown := [name for name in names if name not in known]:
            raise CommandError(f"There is no rule {unknown[0]!r}. Known: {', '.join(known)}")
        return [known[name] for name in names] or list(known.values())

    def _holds(self, place: str, rule: Invariant, since: dt.datetime | None, limit: int) -> bool:
        started = time.monotonic()
        try:
            findings = rule.violations(limit=limit, since=since)
        except DatabaseError as error:
            self._say(f"{place} COULD NOT BE READ {rule.name}: {str(error).strip()}")
            return False
        took = time.monotonic() - started
        verdict = "holds" if not findings.count else f"BROKEN by {findings.count} rows"
        self._say(f"{place} {rule.name}: {verdict} ({took:.2f} s)")
        self._show(rule, findings)
        return not findings.count

    def _show(self, rule: Invariant, findings: Findings) -> None:
        if findings.count:
            self._say(f"    {rule.rule}")
        for row in findings.rows:
            self._say(f"    {row.about} {row.row_id}: {row.detail}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
