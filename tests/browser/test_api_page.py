"""The page of the API in a real browser: it shows every operation, and nothing on it is refused."""

import json

import pytest

from checkout_project.openapi.views import document


@pytest.fixture
def page(chromium, live_server, db):
    """The page as it opens, and what its console complained of."""
    context = chromium.new_context()
    opened = context.new_page()
    opened.complaints, opened.asked = [], []
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on(
        "console",
        lambda said: opened.complaints.append(said.text) if said.type == "error" else None,
    )
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(f"{live_server.url}/v1/docs")
    opened.locator(".opblock").first.wait_for(timeout=60_000)
    yield opened
    context.close()


def test_it_shows_every_operation_and_loads_nothing_from_elsewhere(page, live_server):
    known = json.loads(document())["paths"]

    assert page.locator(".opblock").count() >= sum(map(len, known.values()))
    assert page.complaints == []
    elsewhere = [url for url in page.asked if not url.startswith((live_server.url, "data:"))]
    assert elsewhere == []


def test_an_operation_can_be_tried_from_it(page):
    page.locator("#operations-problems-list_problems").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    answer = page.locator(".live-responses-table .response-col_status").first
    answer.wait_for(timeout=60_000)
    assert "200" in page.locator(".live-responses-table").inner_text()
    assert page.complaints == []
