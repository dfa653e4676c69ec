"""How long and how wide a run is. Everything that bounds it stands here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """One run. Seconds are those of a measured window; starting and stopping come on top."""

    rounds: int = 3
    pgbench_seconds: float = 8.0
    checkout_seconds: float = 10.0
    plain_seconds: float = 8.0
    warm_up_seconds: float = 3.0
    replay_seconds: float = 5.0
    hot_seconds: float = 6.0
    tail_seconds: float = 10.0
    relay_events: int = 60
    relay_pause_seconds: float = 0.1
    clients: int = 8
    web_workers: int = 2
    web_threads: int = 4
    skus: int = 300
    customers: int = 5_000
    settlement_lines: int = 1_000_000


FULL = Sizes()
QUICK = Sizes(
    rounds=1,
    pgbench_seconds=3.0,
    checkout_seconds=4.0,
    plain_seconds=3.0,
    warm_up_seconds=1.0,
    replay_seconds=1.5,
    hot_seconds=2.0,
    tail_seconds=2.0,
    relay_events=15,
    settlement_lines=100_000,
)
TINY = Sizes(
    rounds=1,
    pgbench_seconds=1.0,
    checkout_seconds=1.0,
    plain_seconds=1.0,
    warm_up_seconds=0.3,
    replay_seconds=0.3,
    hot_seconds=0.3,
    tail_seconds=0.5,
    relay_events=3,
    clients=2,
    skus=5,
    customers=50,
    settlement_lines=2_000,
)
