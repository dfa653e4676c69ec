"""A kept connection is asked whether it lives without a statement."""

import pytest
from django.db import connection, connections


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_closed_is_not_used_again():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    assert connection.is_usable()

    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()

    assert not connection.is_usable()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_server_that_only_reads_is_no_store(api):
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")

    reply = api.checkout()

    assert reply.status_code == 503
    assert reply.json()["code"] == "idempotency_store_unavailable"
    assert reply["Retry-After"]
    connection.close()
    assert api.checkout().status_code == 201
