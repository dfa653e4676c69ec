"""Keys are made, shown once, rotated with an overlap, and revoked."""

import datetime as dt

import pytest
from django.core.management import CommandError, call_command

from foundation import clock
from foundation.edge.authentication import ApiKeyAuthentication
from foundation.models import ApiClient, ApiKey
from tests.conftest import Api

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


@pytest.mark.django_db(transaction=True)
def test_a_rotated_key_works_beside_the_new_one_until_the_overlap_is_over():
    old = call_command("create_api_key", "shop", scopes="orders:read", live=True, sees_all=True)
    new = call_command("rotate_api_key", old, overlap_hours=2)

    first, second = ApiKey.objects.order_by("pk")
    assert new.startswith("sk_live_")
    assert (second.scopes, second.sees_all, second.client) == (["orders:read"], True, first.client)
    assert [Api(key).get("/v1/orders").status_code for key in (old, new)] == [200, 200]
    clock.move(dt.timedelta(hours=2, seconds=1))
    ApiKeyAuthentication._believed.clear()
    assert [Api(key).get("/v1/orders").status_code for key in (old, new)] == [401, 200]


@pytest.mark.django_db(transaction=True)
def test_rotating_does_not_lengthen_the_life_of_a_key_that_ends_sooner():
    old = call_command("create_api_key", "shop")
    soon = clock.now() + dt.timedelta(minutes=5)
    ApiKey.objects.update(expires_at=soon)

    call_command("rotate_api_key", old, overlap_hours=24)

    assert ApiKey.objects.order_by("pk").first().expires_at == soon


def test_what_is_over_can_not_be_rotated():
    old = call_command("create_api_key", "shop")
    call_command("revoke_api_key", old)

    with pytest.raises(CommandError, match="0 live keys"):
        call_command("rotate_api_key", old)
    with pytest.raises(CommandError, match="from 0"):
        call_command("rotate_api_key", old, overlap_hours=-1)


def test_the_list_of_keys_shows_hints_and_ends_and_no_key(capsys):
    key = call_command("create_api_key", "shop", scopes="checkout")
    call_command("create_api_key", "back-office")
    call_command("revoke_api_key", key)
    capsys.readouterr()

    call_command("list_api_keys")

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["shop", "back-office"]
    assert "revoked" in lines[0]
    assert "live" in lines[1]
    assert key not in "".join(lines)
