"""Training configurations as files: reading, overriding single values, comparing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nn.training.config import TrainingConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ConfigError", "config_names", "differences", "load_config", "parse_config"]

MAY_CHANGE = frozenset(
    {
        "data.folder",
        "data.test",
        "loss.vgg",
        "optimiser.epochs",
        "run.title",
        "run.workers",
        "run.threads",
        "run.log_every_steps",
        "run.pictures",
        "run.pictures_every_epochs",
        "run.checkpoint_every_steps",
    }
)
"""Values that a resumed run may have different: they leave the steps already made as they are.
(The pictures themselves are compared by their names.)"""


class ConfigError(ValueError):
    """A configuration is unknown or unreadable, or one of its values is not allowed."""


def config_names() -> tuple[str, ...]:
    """Configurations that come with the package, sorted."""
    folder = resources.files("nn.training") / "configs"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_config(source: Path | str, overrides: Iterable[str] = ()) -> TrainingConfig:
    """Read a configuration and replace single values.

    Parameters
    ----------
    source : path or str
        A TOML file, or one of `config_names`.
    overrides : iterable of str
        ``section.key=value``, the value as TOML has it; what is not TOML is taken as text.

    Raises
    ------
    ConfigError
        Unknown, unreadable, or a value is wrong, unknown or missing; the message names it.
    """
    values = _read(source)
    for override in overrides:
        _override(values, override)
    return parse_config(values, str(source))


def parse_config(values: Mapping[str, Any], source: str) -> TrainingConfig:
    """Check a table of sections; `source` is what the message calls it.

    Raises
    ------
    ConfigError
        As in `load_config`.
    """
    try:
        return TrainingConfig.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(f"configuration {source}: {_explain(error)}") from None


def differences(kept: TrainingConfig, wanted: TrainingConfig) -> list[str]:
    """What keeps `wanted` from going on with a run of `kept`, one line a value."""
    old, new = _flat(kept.model_dump(mode="json")), _flat(wanted.model_dump(mode="json"))
    return [
        f"{key} was {old.get(key)!r} and is {new.get(key)!r}"
        for key in sorted({*old, *new} - MAY_CHANGE)
        if old.get(key) != new.get(key)
    ]


def _flat(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {f"{s}.{key}": value for s, keys in sections.items() for key, value in keys.items()}


def _read(source: Path | str) -> dict[str, dict[str, Any]]:
    is_path = isinstance(source, Path) or source.endswith(".toml")
    if not is_path and source not in config_names():
        raise ConfigError(
            f"no configuration is called {source!r}; there are {', '.join(config_names())}, "
            "or give the path of a .toml file"
        )
    try:
        if is_path:
            text = Path(source).read_text(encoding="utf-8")
        else:
            file = resources.files("nn.training") / "configs" / f"{source}.toml"
            text = file.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read the configuration {source}: {error}") from error
    for key, value in values.items():
        if not isinstance(value, dict):
            raise ConfigError(f"configuration {source}: {key} must be a section, [{key}]")
    return values


def _override(values: dict[str, dict[str, Any]], override: str) -> None:
    key, equals, text = override.partition("=")
    section, dot, field = key.strip().partition(".")
    if not (equals and dot and section and field):
        raise ConfigError(f"{override!r} is not section.key=value, such as optimiser.rate=0.002")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    table = values.setdefault(section, {})
    if section == "network" and field == "form" and table.get("form") != value:
        table.clear()  # sizes belong to a form
    table[field] = value


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "value_error":
            lines.append(message)
        elif item["type"] == "missing":
            lines.append(f"{key} is missing")
        elif item["type"] == "extra_forbidden":
            lines.append(f"{key} is not a key of it")
        else:
            lines.append(f"{key}={item['input']!r}: {message[0].lower()}{message[1:]}")
    return "; ".join(lines)
