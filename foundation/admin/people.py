"""Who works here: people and roles, on the pages of the house's theme, each change on record.

Whoever can make an account, or set another's password, can be two people.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from foundation.desk.edits import OnRecord
from foundation.desk.staff import HouseAdmin

if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(OnRecord, _UserAdmin, HouseAdmin):
    """People: what each may do follows from their roles."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_staff", "is_active")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")
    ordering = ("username",)

    def facts(self, row: User) -> dict[str, Any]:
        """What this person may do from now on."""
        return {
            "roles": sorted(row.groups.values_list("name", flat=True)),
            "permissions": sorted(row.user_permissions.values_list("codename", flat=True)),
            "active": row.is_active, "staff": row.is_staff, "superuser": row.is_superuser,
        }  # fmt: skip


@admin.register(Group)
class RoleAdmin(OnRecord, GroupAdmin, HouseAdmin):
    """Roles: named sets of permissions. Those of the house are made by `migrate`."""

    ordering = ("name",)

    def facts(self, row: Group) -> dict[str, Any]:
        """What whoever has this role may do from now on."""
        return {"permissions": sorted(row.permissions.values_list("codename", flat=True))}
