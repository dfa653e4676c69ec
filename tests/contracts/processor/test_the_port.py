"""Both processors offer what the port says, and nothing under another name."""

import inspect

import pytest

from payments.processors.base import Processor
from payments.processors.stripe import StripeProcessor
from tests.fake_processor import FakeProcessor

METHODS = [name for name, _ in inspect.getmembers(Processor, inspect.isfunction) if name[0] != "_"]


def shape(method):
    parameters = inspect.signature(method).parameters.values()
    return [(each.name, each.kind, each.default) for each in parameters]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("offered", [StripeProcessor, FakeProcessor])
def test_a_processor_is_called_as_the_port_says(offered, name):
    assert shape(getattr(offered, name)) == shape(getattr(Processor, name))


@pytest.mark.parametrize("name", METHODS)
def test_the_adapter_takes_and_gives_the_ports_types(name):
    ours, ports = getattr(StripeProcessor, name), getattr(Processor, name)

    assert inspect.signature(ours) == inspect.signature(ports)


def test_the_port_is_what_was_agreed():
    assert sorted(
        ["authorize", "capture", "void", "refund", "find", "find_refund", "list_refunds",
         "list_disputes", "list_events", "list_payout_lines", "list_transactions",
         "parse_event"]
    ) == METHODS  # fmt: skip
