"""Whoever makes accounts could be two people: what is done to them is on record."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from foundation.models import AuditEntry
from orders.models import BlockListEntry


@pytest.fixture
def root(shop):
    browser = Client()
    browser.force_login(User.objects.create_superuser("root", password="x"))
    return browser


PASSWORD = "correct-horse-9"


def test_an_account_that_is_made_is_on_record(root):
    given = {"username": "ben", "password1": PASSWORD, "password2": PASSWORD}
    given["usable_password"] = "true"

    assert root.post(reverse("admin:auth_user_add"), given).status_code == 302

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == ("staff:root", "user.add")
    assert "ben" in entry.reason


def test_a_password_that_somebody_else_set_is_on_record(root):
    ben = User.objects.create_user("ben")
    given = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}

    assert (
        root.post(reverse("admin:auth_user_password_change", args=[ben.pk]), given).status_code
        == 302
    )

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.aggregate_id.int) == ("user.change", ben.pk)
    assert PASSWORD not in str(entry.after)


def test_what_a_role_may_is_on_record_before_it_is_used(root):
    role = Group.objects.create(name="clerks")
    permission = Permission.objects.get(codename="decide_approval")
    given = {"name": "clerks", "permissions": [permission.pk]}

    assert root.post(reverse("admin:auth_group_change", args=[role.pk]), given).status_code == 302

    assert AuditEntry.objects.get(action="group.change").after["permissions"] == ["decide_approval"]


def test_an_entry_of_the_block_list_that_is_taken_off_is_on_record(root):
    row = BlockListEntry.objects.create(kind="email", value="a@example.com", reason="fraud")

    root.post(reverse("admin:orders_blocklistentry_delete", args=[row.pk]), {"post": "yes"})

    assert not BlockListEntry.objects.exists()
    assert AuditEntry.objects.get().action == "blocklistentry.delete"


def test_the_list_of_what_people_did_opens_with_them(root):
    test_an_account_that_is_made_is_on_record(root)

    page = root.get(reverse("admin:foundation_auditentry_changelist")).content.decode()

    assert "user.add" in page
