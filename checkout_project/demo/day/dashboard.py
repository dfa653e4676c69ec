"""What somebody does at the processor without the shop, as in its dashboard, and its report."""

import datetime as dt

import httpx

from checkout_project.demo.outside import READ_SECONDS, Doc

NOBODYS_AMOUNT = 700


class Dashboard:
    """Signed in at the sandbox processor, with no key of the shop's."""

    def __init__(self, url: str) -> None:
        headers = {"Authorization": "Bearer sk_test_sandbox"}
        self._line = httpx.Client(
            base_url=url, headers=headers, timeout=READ_SECONDS, trust_env=False
        )

    def fall_silent(self) -> None:
        """From now on the shop is told of nothing."""
        self._line.put("/_sandbox/listener", json={"url": ""}).raise_for_status()

    def charge(self, amount: int) -> str:
        """Take money that the shop did not ask for; the payment's id."""
        body = {
            "amount": str(amount),
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": "true",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
        }
        return str(self._post("/v1/payment_intents", body)["id"])

    def capture(self, intent: str) -> None:
        """Take what the shop only holds."""
        self._post(f"/v1/payment_intents/{intent}/capture", {})

    def refund(self, intent: str, amount: int) -> None:
        """Give money back."""
        self._post("/v1/refunds", {"payment_intent": intent, "amount": str(amount)})

    def dispute(self, intent: str) -> None:
        """A cardholder objects to all of it."""
        self._backstage("disputes", {"payment": intent})

    def expire(self, intent: str) -> None:
        """The hold's time is up."""
        self._backstage(f"holds/{intent}/expire", {})

    def hold_for(self, payment: str) -> str:
        """The processor's id of the hold that carries our id of a payment."""
        reply = self._line.get("/_sandbox/holds", params={"payment": payment})
        return str(reply.raise_for_status().json()["holds"][0]["payment_intent"])

    def pay_out(self) -> None:
        """The processor sends the balance to the shop's bank."""
        self._backstage("settle", {})

    def report(self, day: dt.date) -> bytes:
        """The settlement report of a day (UTC), as CSV."""
        reply = self._line.get("/_sandbox/settlement.csv", params={"date": day.isoformat()})
        return reply.raise_for_status().content

    def close(self) -> None:
        """Let the connection go."""
        self._line.close()

    def _post(self, path: str, form: dict[str, str]) -> Doc:
        found: Doc = self._line.post(path, data=form).raise_for_status().json()
        return found

    def _backstage(self, path: str, given: Doc) -> None:
        self._line.post(f"/_sandbox/{path}", json=given).raise_for_status()
