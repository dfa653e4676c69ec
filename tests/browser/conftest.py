"""A real browser on the admin: the Chromium of this machine, on the pages as people see them."""

import os
import shutil
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group, Permission, User
from playwright.sync_api import Error, sync_playwright

from checkout_project import roles
from tests.stories import world

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# Playwright keeps an event loop in this thread, which Django would else refuse to work under.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def where():
    """The browser's path: BROWSER_PATH, or one that is installed."""
    named = os.environ.get("BROWSER_PATH")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def chromium():
    """A browser, or a skip that says why there is none."""
    path = where()
    if path is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium, or set BROWSER_PATH)")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
        except Error as error:
            pytest.skip(f"{path} does not start: {error}")
        yield browser
        browser.close()


class Person:
    """Somebody at a browser, logged in; what its console complains of is kept."""

    def __init__(self, page, base):
        self.page, self.base, self.complaints = page, base, []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        page.on("response", self._answered)

    def _heard(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def _answered(self, response):
        if response.status >= 500:
            self.complaints.append(f"{response.status} {response.url}")

    def goes_to(self, path):
        """Open a path of the admin."""
        return self.page.goto(f"{self.base}{path}")

    def signs_in(self, name):
        """Through the login form."""
        self.goes_to("/admin/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill("a long password")
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/admin/")
        return self

    @property
    def is_at(self):
        """The path of the page."""
        return urlsplit(self.page.url).path

    def overflow(self):
        """How many pixels the page is wider than the window."""
        script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return self.page.evaluate(script)


@pytest.fixture
def staff(chromium, live_server):
    """staff(name, role, narrow=False) → that person at a browser of their own."""
    contexts, people = [], []

    def come(name, role, *codenames, narrow=False):
        if not User.objects.filter(username=name).exists():
            roles.grant()
            user = User.objects.create_user(name, password="a long password", is_staff=True)
            user.groups.set(Group.objects.filter(name=role))
            user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        context = chromium.new_context(viewport=NARROW if narrow else WIDE)
        contexts.append(context)
        people.append(Person(context.new_page(), live_server.url))
        return people[-1].signs_in(name)

    yield come
    for context in contexts:
        context.close()
    assert [complaint for person in people for complaint in person.complaints] == []


@pytest.fixture
def order(api, settings):
    """An order whose money is held, owed by the warehouse: 42.98 USD."""
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    world.play_events()
    return order
