#!/usr/bin/env python
"""Django's command line, with PostgreSQL and Redis at hand for the life of the command."""

import os
import sys

from django.core.management import execute_from_command_line

from checkout_project import embedded


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout_project.settings")
    with embedded.provided(os.environ):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
