"""Where the project stands, and its environment: that of the process, and `.env` for the rest.

Every file of settings reads from here, so none reads before `.env` was.
"""

from pathlib import Path
from typing import Final

import environ

BASE_DIR: Final = Path(__file__).resolve().parent.parent
DATA_DIR: Final = BASE_DIR / ".data"
env: Final = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")
