"""The plain view: validate, insert the rows of one order in one transaction, answer.

No price look-up, no stock counter, no fraud rules, no processor, no recovery: less than a shop
needs, and the same rows as ours.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.plain_view import rows


class Line(serializers.Serializer[Any]):
    """One position of the cart."""

    sku = serializers.CharField(max_length=64)
    quantity = serializers.IntegerField(min_value=1)


class Customer(serializers.Serializer[Any]):
    """Who buys."""

    reference = serializers.CharField(max_length=128)
    email = serializers.EmailField()


class Address(serializers.Serializer[Any]):
    """Where it goes."""

    line1 = serializers.CharField(max_length=200)
    city = serializers.CharField(max_length=100)
    region = serializers.CharField(max_length=100)
    postal_code = serializers.CharField(max_length=20)
    country = serializers.CharField(max_length=2)


class Purchase(serializers.Serializer[Any]):
    """The same body that ours takes."""

    cart_id = serializers.CharField(max_length=128)
    customer = Customer()
    currency = serializers.CharField(max_length=3)
    lines = Line(many=True)
    shipping_method = serializers.CharField(max_length=64)
    shipping_address = Address()
    billing_address = Address(allow_null=True)
    payment_method = serializers.CharField(max_length=255)
    attribution = serializers.DictField()
    metadata = serializers.DictField()


class PlainCheckouts(APIView):
    """POST /v1/checkouts, as an afternoon's work."""

    def post(self, request: Request) -> Response:
        """Insert and answer."""
        asked = Purchase(data=request.data)
        asked.is_valid(raise_exception=True)
        now = datetime.now(UTC)
        with transaction.atomic():
            placed = rows.insert(asked.validated_data, now=now, later=now + timedelta(minutes=1))
        body = {"id": str(placed.pk), "status": "placed", "total": placed.total_amount}
        return Response(body, status=201)
