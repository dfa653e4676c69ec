"""A make-believe card processor that speaks Stripe's wire protocol. No money, no cards, no network.

It is another program: it imports nothing of the shop, and nothing of the shop imports it. They meet
on HTTP, so the same adapter talks to Stripe and to this. Every object says `livemode: false`, and a
`sk_live_` key is refused.

    python -m sandbox_processor --host 127.0.0.1 --port 8111 --journal FILE.sqlite3 \
        [--webhook-url URL --webhook-secret whsec_...] [--search-lag SECONDS] [--allow-reset]

What was acknowledged is on disk (SQLite, WAL, synchronous=FULL): `kill -9` and a restart on the
same journal lose nothing that was answered, idempotency keys included.

Cards: Stripe's `pm_card_*` test ids and `pm_card_<country>`. Parts after two underscores change
them: `pm_card_visa__7f3a` is another card (its own fingerprint) that behaves alike, and
`pm_card_visa__fault_<name>[_<n>][_on_<operation>]` brings a fault along (see `faults`). Others say
what may follow: `__multicapture`, `__refund_...` (`faults`), `__dispute_...` (`disputes`).

What banks, cardholders and time do is asked of `/_sandbox` (`backstage`); the sandbox's time can be
moved, and everything that happens by itself follows it.

Witness: `GET /_sandbox/journal` tells every request and every effect in order; effects, not
requests, are what a test about money counts.

Idempotency is Stripe's v1: the first answer that came out of running an operation is kept with its
key, a decline and a 500 too, and replayed with `Idempotent-Replayed: true`. What was refused
before it ran (parameters, unknown ids, 401, 409, 429) is not kept.
"""
