"""The roles of staff: made by `migrate`, each may do what its work asks for and no more."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.urls import reverse

from checkout_project import navigation, roles
from tests.stories import world
from tests.stories.test_staff import Staff

OURS = roles.OURS
# deed of the order page → the roles that are offered it while the money is held
OFFERED = {
    "orders_order_cancel": {"support", "finance", "operations"},
    "orders_order_capture": {"finance", "operations"},
    "orders_order_ship": {"support", "operations"},
    "orders_order_reauthorize": {"support", "operations"},
    "orders_order_note": {"support", "finance", "operations"},
}


@pytest.fixture
def hands(shop):
    """Somebody of each role."""
    roles.grant()
    people = {}
    for name in roles.ROLES:
        user = User.objects.create_user(name, password="x", is_staff=True)
        user.groups.add(Group.objects.get(name=name))
        people[name] = Staff(user)
    return people


@pytest.fixture
def held(api, settings):
    """An order whose money is held."""
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    world.play_events()
    return order


@pytest.mark.django_db(transaction=True)
def test_migrating_makes_the_roles_with_their_permissions():
    Group.objects.all().delete()
    call_command("migrate", "checkout_project", "zero", verbosity=0)
    call_command("migrate", "checkout_project", verbosity=0)

    found = {
        group.name: set(group.permissions.values_list("codename", flat=True))
        for group in Group.objects.all()
    }
    assert set(found) == set(roles.ROLES)
    for name, wanted in roles.ROLES.items():
        assert set(wanted) - {roles.VIEW} <= found[name]
        assert "view_order" in found[name]
    assert {code for code in found["viewer"] if not code.startswith("view_")} == set()


@pytest.mark.django_db(transaction=True)
def test_granting_again_changes_nothing_and_takes_nothing_away():
    before = roles.grant()
    Group.objects.get(name="viewer").permissions.add(
        *Group.objects.get(name="finance").permissions.filter(codename="void_payment")
    )

    assert roles.grant() == before | {"viewer": before["viewer"] + 1}


def test_each_role_sees_every_list_and_is_offered_its_own_deeds(hands, held):
    for name, hand in hands.items():
        page = hand.page("orders_order_change", held.pk)
        for deed, allowed in OFFERED.items():
            address = reverse(f"admin:{deed}", args=[held.pk])
            status = hand.client.get(address).status_code
            assert (address in page, status) == (
                (True, 200) if name in allowed else (False, 403)
            ), (name, deed)


def test_no_role_may_edit_a_record(hands, held):
    for name, hand in hands.items():
        for model in admin.site._registry:
            label = model._meta.label_lower
            if model._meta.app_label in OURS and not label.endswith(("rate", "blocklistentry")):
                app, model_name = label.split(".")
                verbs = ("add", "change", "delete")
                granted = [v for v in verbs if hand.user.has_perm(f"{app}.{v}_{model_name}")]
                assert granted == [], (name, label)


def test_the_sidebar_has_every_page_once_and_only_what_a_person_may_see(hands):
    listed = [label for group in navigation.GROUPS.values() for label, _ in group]
    registered = {model._meta.label_lower for model in admin.site._registry}
    assert sorted(listed) == sorted(registered)

    page = hands["viewer"].page("index")
    assert reverse("admin:orders_order_changelist") in page
    assert reverse("admin:auth_user_changelist") not in page
