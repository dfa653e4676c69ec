"""Which currencies are taken, and how small and large an amount may be, in integer minor units."""

from typing import Any

from sandbox_processor.wire import Refused

CODES = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd "
    "bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp "
    "gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr "
    "kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn "
    "myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf "
    "sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx "
    "usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw "
)
KNOWN = frozenset(CODES.split())
SMALLEST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "chf": 50, "cad": 50, "aud": 50}
LARGEST = 99_999_999
LARGEST_OF = {"jpy": 9_999_999_999, "idr": 999_999_999_999, "kwd": 999_999_999, "inr": 999_999_999}


def check_currency(currency: Any) -> str:
    """The currency in lower case, or Stripe's refusal."""
    if currency is None:
        raise Refused(
            "Missing required param: currency.", code="parameter_missing", param="currency"
        )
    code = str(currency).lower()
    if code not in KNOWN:
        raise Refused(f"Invalid currency: {currency}.", param="currency")
    return code


def check_amount(amount: int, *, currency: str) -> None:
    if amount < 1:
        raise Refused(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if amount < SMALLEST.get(currency, 1):
        raise Refused(
            "The amount is below the smallest that can be charged in this currency.",
            code="amount_too_small",
            param="amount",
        )
    if amount > LARGEST_OF.get(currency, LARGEST):
        raise Refused(
            "The amount is above the largest that can be charged in this currency.",
            code="amount_too_large",
            param="amount",
        )
