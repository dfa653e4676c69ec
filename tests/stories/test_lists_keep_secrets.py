"""A list answers the questions its filters ask, and no other: what it hides can not be guessed."""

import pytest
from django.contrib import admin
from django.contrib.admin.filters import FieldListFilter, SimpleListFilter
from django.contrib.auth.models import User
from django.urls import reverse

from events.models import WebhookEndpoint
from foundation.models import ApiClient, ApiKey
from tests.stories.test_staff import Staff, somebody

GUESSES = (
    "secret__startswith", "secret__contains", "secret__gte", "previous_secret__startswith",
    "secret__regex", "client__keys__digest__startswith", "url__regex", "id__startswith",
)  # fmt: skip


@pytest.fixture
def viewer(api):
    """May see every list."""
    return somebody("viewer")


@pytest.fixture
def endpoint(api):
    """An endpoint with a secret that nobody is shown."""
    return WebhookEndpoint.objects.create(
        client=ApiClient.objects.get(), url="https://shop.example/", event_types=["*"],
        secret=b"s" * 32,
    )  # fmt: skip


@pytest.mark.parametrize("guess", GUESSES)
def test_a_secret_can_not_be_guessed_by_filtering(viewer, endpoint, guess):
    replies = [
        viewer.get("events_webhookendpoint_changelist", **{guess: value})
        for value in (r"\x73", r"\x00", "737373")
    ]

    assert {reply.status_code for reply in replies} == {400}


def test_nor_that_of_a_key(viewer, api):
    digest = bytes(ApiKey.objects.get().digest).hex()

    reply = viewer.get("foundation_apikey_changelist", digest__startswith=rf"\x{digest[:4]}")

    assert reply.status_code == 400


@pytest.mark.parametrize("pattern", ["(", "(a+)+$", "["])
def test_nobody_has_the_database_work_at_a_pattern(viewer, pattern):
    assert viewer.get("orders_order_changelist", email__regex=pattern).status_code == 400


def test_every_choice_of_every_filter_still_works(shop):
    root = Staff(User.objects.create_superuser("root", password="x"))
    asked = {}
    for model in admin.site._registry:
        route = f"{model._meta.app_label}_{model._meta.model_name}_changelist"
        page = root.get(route)
        for spec in page.context["cl"].filter_specs:
            assert isinstance(spec, SimpleListFilter | FieldListFilter)
            for choice in spec.choices(page.context["cl"]):
                address = reverse(f"admin:{route}") + choice.get("query_string", "")
                asked[address] = root.client.get(address).status_code

    assert {address: status for address, status in asked.items() if status != 200} == {}
    assert len(asked) > 100


@pytest.mark.parametrize(
    "query",
    [
        "p=9999999", "p=0", "p=-1", "p=abc", "p=" + "9" * 5000, "o=99.-3.x", "o=", "q=%FF%FE",
        "state=nonsense", "placed_at__gte=yesterday", "placed_at__gte=99999-01-01", "all=",
        "placed_at__isnull=perhaps", "payment__state=%27%3B--", "e=1",
    ],
)  # fmt: skip
def test_garbage_in_the_address_is_no_fault_of_ours(viewer, query):
    address = reverse("admin:orders_order_changelist")

    assert viewer.client.get(f"{address}?{query}", follow=True).status_code == 200
