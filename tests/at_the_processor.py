"""What people and banks do at the processor without us, and how it tells us of it.

`Dashboard` uses the processor's own API with no key of ours, as its dashboard does. `Courier` has
the sandbox deliver its events to the application over real HTTP, one by one, when the story says.
"""

import json

SECRET = "whsec_sandbox"
PATH = "/v1/processor-events/stripe"


class Dashboard:
    """Somebody signed in at the processor."""

    def __init__(self, shop):
        self.http = shop.http

    def capture(self, payment, amount=None, *, final=True):
        asked = {} if amount is None else {"amount_to_capture": amount}
        if not final:
            asked["final_capture"] = "false"
        return self._post(f"/v1/payment_intents/{intent_of(payment)}/capture", asked)

    def cancel(self, payment):
        return self._post(f"/v1/payment_intents/{intent_of(payment)}/cancel")

    def refund(self, payment, amount=None):
        asked = {"payment_intent": intent_of(payment)}
        return self._post("/v1/refunds", asked if amount is None else asked | {"amount": amount})

    def dispute(self, payment, **asked):
        return self._backstage("disputes", {"payment": intent_of(payment), **asked})

    def decide(self, dispute, status):
        return self._backstage(f"disputes/{dispute['id']}/close", {"status": status})

    def escalate(self, dispute):
        return self._backstage(f"disputes/{dispute['id']}/escalate", {})

    def authenticate(self, payment, *, succeeds=True):
        result = "" if succeeds else "?result=fail"
        reply = self.http.post(f"/_sandbox/authenticate/{intent_of(payment)}{result}")
        assert reply.status_code < 400, reply.text

    def expire(self, payment):
        return self._backstage(f"holds/{intent_of(payment)}/expire", {})

    def foreign_payment(self):
        """A payment that somebody else made on the same account."""
        asked = {
            "amount": 700, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
        }  # fmt: skip
        return self._post("/v1/payment_intents", asked)

    def _post(self, path, asked=None):
        headers = {"Authorization": "Bearer sk_test_sandbox"}
        reply = self.http.post(path, data=asked or {}, headers=headers)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def _backstage(self, path, asked):
        reply = self.http.post(f"/_sandbox/{path}", json=asked)
        assert reply.status_code == 200, reply.text
        return reply.json()


class Courier:
    """Delivers the processor's events to the application."""

    def __init__(self, shop, application_url):
        self.http, self.url = shop.http, f"{application_url}{PATH}"

    def events(self, payment, type_=None):
        """What the processor has to tell of one payment, oldest first."""
        headers = {"Authorization": "Bearer sk_test_sandbox"}
        listed = self.http.get("/v1/events", params={"limit": 100}, headers=headers).json()
        about = intent_of(payment)
        return [
            event
            for event in reversed(listed["data"])
            if about in json.dumps(event["data"]) and type_ in (None, event["type"])
        ]

    def send(self, event, **how):
        """Deliver one event now (times, age_seconds, forged); the statuses that came back."""
        self._listen(self.url)
        try:
            reply = self.http.post(f"/_sandbox/events/{event['id']}/send", json=how)
        finally:
            self._listen("")
        assert reply.status_code == 200, reply.text
        return reply.json()["statuses"]

    def send_all(self, payment, type_=None, **how):
        """Deliver all that there is of one payment."""
        return [self.send(event, **how) for event in self.events(payment, type_)]

    def _listen(self, url):
        reply = self.http.put("/_sandbox/listener", json={"url": url, "secret": SECRET})
        assert reply.status_code == 200, reply.text


def intent_of(payment):
    """The processor's id of a payment, or of what is one already."""
    return payment if isinstance(payment, str) else payment.processor_reference
