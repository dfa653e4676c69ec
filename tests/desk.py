"""Staff at their desk: a logged-in browser that reads pages, fills forms, and hears messages."""

import re

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse


class Desk:
    """A browser of somebody who is logged in to the admin."""

    def __init__(self, name, *codenames):
        """May view everything, and do what the codenames name."""
        self.user = User.objects.create_user(name, password="x", is_staff=True)
        granted = Permission.objects.filter(codename__startswith="view_")
        permitted = Permission.objects.filter(codename__in=codenames)
        self.user.user_permissions.set([*granted, *permitted])
        self.client = Client(raise_request_exception=False)
        self.client.force_login(self.user)

    def page(self, route, *args, **query):
        """The text of one page."""
        reply = self.client.get(reverse(f"admin:{route}", args=args), query)
        assert reply.status_code == 200, reply.content
        return reply.content.decode()

    def form_token(self, route, row):
        """The hidden token of a form, as a browser would hold it."""
        return re.search(r'name="token" value="([^"]+)"', self.page(route, row.pk))[1]

    def send(self, route, row, **fields):
        """POST a form; the status, and the page it leads to with its messages."""
        reply = self.client.post(reverse(f"admin:{route}", args=[row.pk]), fields)
        if reply.status_code != 302:
            return reply.status_code, reply.content.decode()
        return 302, self.client.get(reply["Location"]).content.decode()

    def act(self, route, row, reason="called the bank"):
        """Open the form of one action, and send it."""
        return self.send(route, row, token=self.form_token(route, row), reason=reason)
