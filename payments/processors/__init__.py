"""The processors this shop can pay through, by name."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from payments.processors.base import Processor


@cache
def processor(name: str) -> Processor:
    """The adapter configured under this name. Raises `KeyError` for an unknown one."""
    adapter: Processor = import_string(settings.PROCESSORS[name])()
    return adapter
