"""What the processor has to tell of a checkout, and its delivery, signed, as often as one likes."""

import json

from foundation import clock
from payments.models import Payment
from tests.at_the_processor import PATH, SECRET
from tests.signing import signed


def messages_of(sandbox, checkout):
    """The bodies of all events of a checkout's payment, oldest first."""
    payment = Payment.objects.filter(stream=checkout).first()
    if payment is None:
        return
    headers = {"Authorization": "Bearer sk_test_sandbox"}
    listed = sandbox.http.get("/v1/events", params={"limit": 100}, headers=headers).json()
    for event in reversed(listed["data"]):
        body = json.dumps(event)
        if payment.reference in body:
            yield body.encode()


def deliver(api, body):
    """The status that the processor is answered."""
    return api.client.post(
        PATH, data=body, content_type="application/json",
        headers={"Stripe-Signature": signed(body, secret=SECRET, at=int(clock.now().timestamp()))},
    ).status_code  # fmt: skip
