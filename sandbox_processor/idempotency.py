"""One key, one execution: the stored answer, or Stripe's two refusals."""

import hashlib

from sandbox_processor.call import Call
from sandbox_processor.wire import Refused, Reply

LONGEST_KEY = 255


class Keys:
    """The keys in use right now, and those whose answer is on disk."""

    def __init__(self) -> None:
        self._running: dict[str, bytes] = {}

    def claim(self, call: Call, *, body: bytes) -> Reply | None:
        """The stored answer, or nothing: then the key is this call's until `release`."""
        if call.key is None:
            return None
        if not 0 < len(call.key) <= LONGEST_KEY:
            raise Refused("Idempotency keys must be 1 to 255 characters long.")
        parameters = b"&".join(sorted(body.split(b"&")))
        fingerprint = hashlib.sha256(f"{call.path}\n".encode() + parameters).digest()
        if call.key in self._running:
            _same(self._running[call.key], fingerprint, key=call.key)
            raise Refused(
                "There is currently another in-progress request using this Idempotent Key: "
                f"{call.key}. Please try again later.",
                status=409,
                kind="idempotency_error",
                code="idempotency_key_in_use",
            )
        rows = call.journal.read(
            "SELECT fingerprint, status, body, intent FROM keys WHERE key = ?", (call.key,)
        )
        if not rows:
            self._running[call.key] = fingerprint
            call.claimed = True
            return None
        known, status, stored, intent = rows[0]
        _same(known, fingerprint, key=call.key)
        if intent:
            call.intent = call.journal.load(intent)
        return Reply(status=status, body=stored, headers={"Idempotent-Replayed": "true"})

    def keep(self, call: Call, *, status: int, body: bytes) -> None:
        """Stores the answer in the transaction of its effect."""
        if call.key is not None:
            call.journal.write(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)",
                (
                    call.key,
                    self._running[call.key],
                    status,
                    body,
                    (call.intent or {}).get("id", ""),
                    call.now,
                ),
            )

    def release(self, call: Call) -> None:
        if call.key is not None and call.claimed:
            self._running.pop(call.key, None)
            call.claimed = False


def _same(known: bytes, given: bytes, *, key: str) -> None:
    if known != given:
        raise Refused(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request.",
            kind="idempotency_error",
        )
