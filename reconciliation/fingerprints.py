"""Ids as parts of a break's fingerprint."""


def short(key: str) -> str:
    """SQL for an id in a fingerprint: a processor's may be as long as the whole fingerprint."""
    return (
        f"CASE WHEN length({key}) > 128 THEN encode(sha256(convert_to({key}, 'UTF8')), 'hex')"
        f" ELSE {key} END"
    )
