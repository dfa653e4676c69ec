"""Which operation a method and a path mean."""

from collections.abc import Callable

from sandbox_processor import captures, disputes, lookups, payment_intents, refunds, search
from sandbox_processor.call import Call
from sandbox_processor.wire import Doc, Refused

Operation = Callable[[Call], Doc]

ROUTES: dict[tuple[str, str], tuple[str, Operation]] = {
    ("POST", "payment_intents"): ("create", payment_intents.create),
    ("GET", "payment_intents/search"): ("search", search.search),
    ("POST", "payment_intents/{}/confirm"): ("confirm", payment_intents.confirm),
    ("POST", "payment_intents/{}/capture"): ("capture", captures.capture),
    ("POST", "payment_intents/{}/cancel"): ("cancel", captures.cancel),
    ("POST", "refunds"): ("refund", refunds.create),
    ("POST", "disputes/{}"): ("respond", disputes.respond),
    ("POST", "disputes/{}/close"): ("accept", disputes.accept),
    ("GET", "payment_methods/{}"): ("retrieve", lookups.retrieve_payment_method),
    **{("GET", name): ("list", lookups.list_objects) for name in lookups.KINDS},
    **{("GET", f"{name}/{{}}"): ("retrieve", lookups.retrieve) for name in lookups.KINDS},
}


def find(method: str, path: str) -> tuple[str, Operation, str]:
    """The operation's name, the operation, and the id in the path."""
    parts = path.removeprefix("/v1/").split("/")
    exact = ROUTES.get((method, "/".join(parts)))
    if exact is not None:
        return (*exact, "")
    target = parts[1] if len(parts) > 1 else ""
    if target:
        parts[1] = "{}"
    shaped = ROUTES.get((method, "/".join(parts)))
    if shaped is None or not path.startswith("/v1/"):
        raise Refused(f"Unrecognized request URL ({method}: {path}).", status=404)
    return (*shaped, target)
