#!/usr/bin/env python
"""Django's command line, with PostgreSQL and Redis at hand for the life of the command."""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

import environ
from django.core.management import execute_from_command_line

from checkout_project import embedded


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout_project.settings")
    # Before the servers: a DATABASE_URL in .env means that none is needed.
    environ.Env.read_env(Path(__file__).with_name(".env"))
    brings_its_own = sys.argv[1:2] == ["demo"]
    servers = nullcontext() if brings_its_own else embedded.provided(os.environ)
    try:
        with servers:
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
