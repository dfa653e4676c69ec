"""Bugs at the edge of the API: who sees what, and what is taken for what."""

from typing import Final

from tests.planted.bug import Bug

EDGE: Final = (
    Bug(
        name="every client sees everything",
        file="foundation/edge/lookup.py",
        before="return rows if principal.sees_all else rows.filter(client_id=principal.client_id)",
        after="return rows",
        suite="tests/contracts/test_access.py -k nothing_of_one_client",
    ),
    Bug(
        name="a body in chunks is taken for none",
        file="checkout_project/body_lengths.py",
        before='    if "HTTP_TRANSFER_ENCODING" in request.META:\n        return True\n',
        after="",
        suite="tests/api/test_on_the_wire.py -k in_chunks",
    ),
    Bug(
        name="who read an older copy captures all the same",
        file="payments/actions/captures.py",
        before="        caller.expects()\n",
        after="",
        suite="tests/api/test_conditions.py -k under_its_lock",
    ),
)
