"""What `docs/quickstart.md` says to paste does what it says, as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orders.models import Order

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "quickstart.md").read_text()
RUN = {
    "bash": ("script.sh", ["bash"]),
    "python": ("script.py", [sys.executable]),
    "javascript": ("script.mjs", ["node"]),
}


def snippet(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return found


def test_there_is_one_for_each_language():
    assert set(re.findall(r"^```(\w+)$", TEXT, re.MULTILINE)) == set(RUN)


@pytest.mark.parametrize("language", RUN)
def test_it_buys_once_and_cancels(live_server, shop, api, tmp_path, language):
    name, command = RUN[language]
    for program in (command[0], *(["curl"] if language == "bash" else [])):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine")
    script = tmp_path / name
    script.write_text(snippet(language))
    there = {"API": live_server.url, "KEY": api.key, "no_proxy": "*"}

    done = subprocess.run(
        [*command, str(script)], cwd=tmp_path, env=os.environ | there, timeout=120, check=False,
        capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    order = Order.objects.get()
    assert f"{order.reference} bought once and canceled" in done.stdout
    assert order.state == "canceled"
    assert len(shop.effects(order.payment.reference, "authorization")) == 1
    assert shop.holds(order.payment.reference) == []
