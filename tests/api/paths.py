"""Every path below /v1/ with its view and its operations: what the tests of conventions go over."""

from dataclasses import dataclass

from django.urls import URLPattern, get_resolver

from checkout_project.openapi.operations import OPERATIONS

NOBODY = "a" * 28


@dataclass(frozen=True)
class Place:
    """One path of a view. `path` has an id that nobody has, where an id stands in it."""

    route: str
    view: type
    prefix: str

    @property
    def methods(self):
        """The methods that the view offers."""
        return [
            name for name in ("GET", "POST", "PATCH", "DELETE") if hasattr(self.view, name.lower())
        ]

    @property
    def path(self):
        return self.at(f"{self.prefix}_{NOBODY}")

    @property
    def operations(self):
        return {method: OPERATIONS[self.view, method] for method in self.methods}

    @property
    def has_id(self):
        return "<" in self.route

    @property
    def needs_a_key(self):
        return bool(self.view.authentication_classes)

    def at(self, reference):
        """The path with this id in it."""
        parts = {"<str:reference>": reference, "<path:sku>": "NO-SUCH-MUG", "<str:code>": "no_such"}
        path = self.route
        for part, value in parts.items():
            path = path.replace(part, value)
        return path

    def __str__(self):
        return self.route


def places():
    """All of them."""
    return [
        _place(route, pattern) for route, pattern in _patterns(get_resolver().url_patterns, "/")
    ]


def _patterns(patterns, before):
    for entry in patterns:
        route = before + str(entry.pattern)
        if not isinstance(entry, URLPattern):
            if route.startswith("/v1/"):
                yield from _patterns(entry.url_patterns, route)
        elif route.startswith("/v1/") and hasattr(entry.callback, "view_class"):
            yield route, entry


def _place(route, pattern):
    view = pattern.callback.view_class
    stated = [operation for (kind, _), operation in OPERATIONS.items() if kind is view]
    return Place(route, view, next((each.prefix for each in stated if each.prefix), ""))


PLACES = places()
EVERY = [(place, method) for place in PLACES for method in place.methods]


def named(pairs):
    """Names of tests: `GET /v1/orders`."""
    return [f"{method} {place}" for place, method in pairs]
