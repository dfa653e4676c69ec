"""Callers for the tests of the API's edge."""

import json

import pytest
from django.test import Client

from tests import builders


class Caller:
    """Sends what an operation says works, or what a test puts in its place."""

    def __init__(self, key=""):
        self.key = key
        self.client = Client(raise_request_exception=False)

    def send(self, place, method, *, path=None, body=None, **headers):
        operation = place.operations.get(method)
        given = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if operation is not None:
            given |= operation.headers or {}
            given |= {"Idempotency-Key": builders.a_key()} if operation.is_idempotent else {}
        sent = {}
        if operation is not None and operation.body is not None:
            sent = {"data": body or as_bytes(operation), "content_type": operation.media_type}
        if content_type := headers.pop("content_type", None):
            sent["content_type"] = content_type
        return self.client.generic(method, path or place.path, headers=given | headers, **sent)


def as_bytes(operation):
    """The example of an operation, as it is sent."""
    example = operation.example
    return example.encode() if isinstance(example, str) else json.dumps(example).encode()


@pytest.fixture
def caller(db):
    """Somebody who may do everything, and sees everything."""
    _, key = builders.a_client(sees_all=True)
    return Caller(key)


@pytest.fixture
def stranger():
    """Somebody without a key."""
    return Caller()
