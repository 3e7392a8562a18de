"""Settings: defaults, a file over them, the environment over both, and every slip of the pen an error."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from pydantic.fields import FieldInfo

from gatekeeper.domain.errors import InvalidInput
from gatekeeper.domain.policy import Mode
from gatekeeper.settings import Settings, load_settings
from gatekeeper.yaml_files import Part

EXAMPLE = Path(__file__).parent.parent / "examples" / "config.yaml"


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    return path


def test_without_a_file_the_data_is_the_users_own() -> None:
    assert load_settings({"HOME": "/home/ana"}).data == Path("/home/ana/.local/share/compute-gatekeeper")
    assert load_settings({"HOME": "/h", "XDG_DATA_HOME": "/data"}).data == Path("/data/compute-gatekeeper")


def test_with_a_file_the_data_is_the_services(tmp_path: Path) -> None:
    settings = load_settings({"HOME": "/home/ana"}, config=write(tmp_path, "cluster: east\n"))
    assert settings.database == "sqlite:////var/lib/compute-gatekeeper/gatekeeper.db"


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    config = write(tmp_path, "data: /one\nwebhook: {port: 1, host: 127.0.0.1}\n")
    environ = {"COMPUTE_GATEKEEPER_DATA": "/two", "COMPUTE_GATEKEEPER_WEBHOOK__PORT": "2"}
    settings = load_settings(environ, config=config, data=Path("/three"))
    assert (settings.data, settings.webhook.port, settings.webhook.host) == (Path("/three"), 2, "127.0.0.1")
    assert load_settings(environ, config=config).data == Path("/two")


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    config = write(tmp_path, "cluster: east\n")
    assert load_settings({"COMPUTE_GATEKEEPER_CONFIG": str(config)}).cluster == "east"


def test_paths_begin_at_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = load_settings({}, config=write(tmp_path, "policies_dir: packs\nlog: {key_file: /keys/log.key}\n"))
    assert settings.policies_dir == tmp_path / "packs"
    assert settings.webhook.certificate_dir == tmp_path / "tls"
    assert settings.log_key_file == Path("/keys/log.key")


def test_a_mapping_in_the_environment_is_written_as_yaml() -> None:
    settings = load_settings({"COMPUTE_GATEKEEPER_POLICIES": "{us-ai-diffusion: {mode: enforce}}"})
    assert settings.policies["us-ai-diffusion"].mode is Mode.ENFORCE


@pytest.mark.parametrize(
    "variable",
    [
        "COMPUTE_GATEKEEPER_PORT",
        "COMPUTE_GATEKEEPER_PORT_443_TCP_ADDR",
        "COMPUTE_GATEKEEPER_SERVICE_PORT_HTTPS",
        "COMPUTE_GATEKEEPER_SERVICE_HOST",
        "COMPUTE_GATEKEEPER_PERSON",
        "OTHER",
    ],
)
def test_variables_that_kubernetes_sets_for_our_service_are_no_settings(variable: str) -> None:
    assert load_settings({variable: "tcp://10.0.0.1:443", "HOME": "/h"}) == load_settings({"HOME": "/h"})


@pytest.mark.parametrize(
    "variable", ["COMPUTE_GATEKEEPER_CLUSTR", "COMPUTE_GATEKEEPER_WEBHOOK__PRT", "COMPUTE_GATEKEEPER_CLUSTER__X"]
)
def test_a_variable_that_is_no_setting_is_an_error(variable: str) -> None:
    with pytest.raises(InvalidInput, match=f"{variable} is no setting"):
        load_settings({variable: "1"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("polices: {}\n", "config.yaml:1:1: 'polices' is no key that belongs here; do you mean policies?"),
        ("policies: {us-ai-diffusion: {mode: strict}}\n", "config.yaml:1:30: 'mode': Input should be"),
        ("site: {country: usa}\n", "config.yaml:1:8: 'country': String should match"),
        ("controller: {grace_s: 30}\n", "config.yaml:1:14: 'grace_s': Input should be greater than or equal to 60."),
        ("prometheus: {url: http://p}\n", "config.yaml:1:1: 'trusted' is missing."),
        (
            "prometheus: {url: http://p, trusted: {job: x}, exporters: {intel: {trusted: {job: y}}}}\n",
            "config.yaml:1:60: 'intel'",
        ),
        ("- a\n", "config.yaml:1:1: settings are a mapping"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_settings({}, config=write(tmp_path, text))
    assert says in str(caught.value)


def test_a_password_of_the_database_is_never_shown() -> None:
    settings = load_settings({"COMPUTE_GATEKEEPER_DATABASE_URL": "postgresql+psycopg://gate:secret@db/gate"})
    assert "secret" not in repr(settings) + str(settings.model_dump())
    assert settings.database.endswith(":secret@db/gate")


def test_the_example_says_every_setting_with_its_default() -> None:
    # What has no default that could be written down stands there as a comment.
    text = EXAMPLE.read_text().replace("# ", "")
    assert [name for name, _ in _fields(Settings) if f"{name}:" not in text] == []
    from_file = load_settings({}, config=EXAMPLE)
    webhook = from_file.webhook.model_copy(
        update={"certificate_dir": Path("tls"), "path_token_file": Path("webhook-token")}
    )
    assert from_file.model_copy(update={"policies": {}, "webhook": webhook}) == Settings()


def test_every_setting_says_what_it_means() -> None:
    sections = {name for name, field in _fields(Settings) if _section(field)}
    assert [name for name, field in _fields(Settings) if not field.description and name not in sections] == []


def _fields(model: type[Part]) -> list[tuple[str, FieldInfo]]:
    found: list[tuple[str, FieldInfo]] = []
    for name, field in model.model_fields.items():
        found.append((name, field))
        section = _section(field)
        found += _fields(section) if section else []
    return found


def _section(field: FieldInfo) -> type[Part] | None:
    """The model of a section; of Prometheus too, which may be left out."""
    kinds = [field.annotation, *get_args(field.annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Part)), None)
