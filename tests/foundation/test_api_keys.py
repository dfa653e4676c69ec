"""Keys are made, shown once, and revoked."""

import pytest
from django.core.management import CommandError, call_command

from foundation.models import ApiClient, ApiKey

pytestmark = pytest.mark.django_db


def test_a_key_is_made_for_a_client_with_the_scopes_asked_for(capsys):
    key = call_command("create_api_key", "shop", scopes="checkout,orders:read")

    assert key.startswith("sk_test_")
    row = ApiKey.objects.get()
    assert row.scopes == ["checkout", "orders:read"]
    assert row.client.name == "shop"
    assert key not in row.hint


def test_a_second_key_for_the_same_name_belongs_to_the_same_client():
    call_command("create_api_key", "shop")
    call_command("create_api_key", "shop", live=True)

    assert ApiClient.objects.count() == 1
    assert ApiKey.objects.filter(hint__startswith="sk_live_").count() == 1


def test_an_unknown_scope_makes_no_key():
    with pytest.raises(CommandError, match="everything"):
        call_command("create_api_key", "shop", scopes="everything")
    assert not ApiKey.objects.exists()


def test_a_key_is_revoked_by_itself_or_by_its_hint():
    keys = [call_command("create_api_key", "shop") for _ in range(2)]

    call_command("revoke_api_key", keys[0])
    call_command("revoke_api_key", ApiKey.objects.get(revoked_at=None).hint)

    assert not ApiKey.objects.filter(revoked_at=None).exists()
    with pytest.raises(CommandError, match="0 live keys"):
        call_command("revoke_api_key", keys[0])
