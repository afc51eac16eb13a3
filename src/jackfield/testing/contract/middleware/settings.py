"""Checks of settings: typed, documented, and refused where they are wrong when they are loaded."""

from __future__ import annotations

import datetime as dt
import inspect
import re
from pathlib import Path
from typing import Any

import attrs

from jackfield.cli.toml import to_toml
from jackfield.config.load import load
from jackfield.errors import CallError, ConfigError
from jackfield.plugins import assemble
from jackfield.registry import Registry
from jackfield.testing.contract.middleware.source import FAILING, WELL, Source
from jackfield.testing.contract.middleware.subject import Subject, told
from jackfield.testing.contract.middleware.trial import MODES, trial
from jackfield.testing.contract.verdict import one_line

SECRET_NAME = re.compile(r"(^|_)(token|password|passphrase|secret|credentials?|api_?key)$")
ABSURD: tuple[Any, ...] = (
    True,
    0,
    -1,
    10**30,
    0.5,
    -0.5,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    " ",
    "\x00\n",
    "x" * 10_000,
    [],
    [""],
    {},
    {"": ""},
    dt.date(2000, 1, 1),
)
"""Values that TOML can hold, of every type: most are wrong for any setting."""


def settings(subject: Subject) -> dict[str, attrs.Attribute[Any]]:
    """The settings of a class, by name."""
    fields = attrs.fields(subject.cls)
    return {field.alias: field for field in fields if field.init and not field.name.startswith("_")}


def documented(cls: type) -> set[str]:
    """The names that the section ``Attributes:`` of a class's docstring tells something of."""
    _, found, section = (inspect.getdoc(cls) or "").partition("\nAttributes:\n")
    lines = section.splitlines() if found else []
    inside = [line for line in lines if line.startswith("    ") and not line.startswith("     ")]
    heads = [line.strip().partition(":")[0] for line in inside if re.search(r":\s*\S", line)]
    return {name.strip() for head in heads for name in head.split(",")}


class SettingsChecks:
    """Its attributes are its settings."""

    def test_class_is_a_plugin(self, subject: Subject) -> None:
        """The loader takes the class: it is made by attrs with eq=False, and its hooks are known."""
        assert subject.hooks  # noqa: S101 - fails by itself where there is something wrong

    def test_settings_come_from_toml(self, subject: Subject, tmp_path: Path) -> None:
        """A file of configuration can hold the settings, and the loader makes the plugin of them."""
        entry = {"use": "subject", **subject.settings}
        source: dict[str, Any] = {"provider": "source"}
        inside = {} if subject.in_host else {"middleware": [entry]}
        tree: dict[str, Any] = {
            "backends": {"test": source | inside, "other": source}
        }  # to which names in the settings may lead
        tree |= {"middleware": [entry]} if subject.in_host else {}
        file = tmp_path / "jackfield.toml"
        try:
            file.write_text(to_toml(tree), encoding="utf-8")
            loaded = load(file, environ={})
            made = assemble(loaded.settings, loaded.faults, Registry({"subject": subject.cls, "source": Source}))
            subject.opened.extend(layer.plugin for layer in made.layers if "close" in layer.hooks)
        except ConfigError as error:
            text = "; ".join(f"{fault.path}: {fault.expected}".removeprefix(": ") for fault in error.faults)
            subject.fail(f"cannot be loaded from TOML: {text}", wants="settings are of types that TOML has")
        except Exception as error:  # noqa: BLE001 - a value that cannot be written
            subject.fail(f"cannot be loaded from TOML: {told(error)}", wants="settings are of types that TOML has")

    def test_settings_are_documented(self, subject: Subject) -> None:
        """Each setting has a type, and a line in the section Attributes of the class's docstring."""
        told_of = documented(subject.cls)
        for name, field in settings(subject).items():
            if name not in told_of:
                subject.fail(
                    f"does not document its setting {name}",
                    wants="the class's docstring has a section 'Attributes:' with a line for each setting",
                )
            if field.type in {None, Any, "Any", "typing.Any"}:
                subject.fail(
                    f"has no type for its setting {name}", wants="a setting has a type, by which it is checked"
                )

    def test_private_attributes_are_no_settings(self, subject: Subject) -> None:
        """What begins with an underscore is made by the class itself."""
        for field in attrs.fields(subject.cls):
            if field.name.startswith("_") and field.init:
                subject.fail(
                    f"takes its private attribute {field.name} as an argument",
                    wants="a private attribute is attrs.field(init=False)",
                )

    def test_secrets_are_references(self, subject: Subject) -> None:
        """A setting that by its name is a secret has the type Secret, so that no file and no repr holds it."""
        for name, field in settings(subject).items():
            if SECRET_NAME.search(name.lower()) and field.type in {str, "str", str | None, "str | None"}:
                subject.fail(
                    f"takes its setting {name} as text",
                    wants="a secret has the type jackfield.Secret, which takes a reference to it",
                )

    def test_wrong_settings_are_refused_when_loaded(self, subject: Subject) -> None:
        """Values of wrong types and absurd ones are refused when they are loaded, or do no harm in calls."""
        for name in settings(subject):
            for value in ABSURD:
                instance, _ = subject.try_make({**subject.settings, name: value})
                if instance is not None:
                    self._harmless(subject, instance, f"{name} = {one_line(value, 40)}")

    @staticmethod
    def _harmless(subject: Subject, instance: Any, setting: str) -> None:
        for mode in MODES:
            for acts in ([WELL], [FAILING, WELL]):
                one = trial(subject, mode, acts=acts, instance=instance)
                outcome = one.run()
                if isinstance(outcome, BaseException) and not isinstance(outcome, CallError):
                    subject.fail(
                        f"takes {setting} and then fails with {told(outcome)}",
                        one.place,
                        wants="a wrong setting is refused when it is loaded, by a validator",
                    )
