"""The page with every option of every command, and the options that the guide's own tables must name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer.main

from netwright.cli.app import app
from netwright.cli.help import filled
from reference_pages.markdown import code, page, table

WORDS: dict[Any, str] = {str: "text", int: "whole number", float: "number", Path: "path"}


def commands() -> Iterator[tuple[str, Any]]:
    """Each command with its name as it is typed, subcommands included."""
    for name, command in typer.main.get_command(app).commands.items():  # pyright: ignore[reportAttributeAccessIssue]
        if hasattr(command, "commands"):
            yield from ((f"{name} {each}", one) for each, one in command.commands.items())
        else:
            yield name, command


def flags(command: Any) -> list[str]:
    """The long options of a command, as they are typed."""
    return [each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)]


def commands_page() -> str:
    top = typer.main.get_command(app)
    return page(
        "Every option of every command",
        "What the commands are for, and how their options work together, is in [the command line](../command-line.md).",
        "## netwright",
        table(["option", "meaning"], _rows(top)),
        *(_entry(name, command) for name, command in commands()),
    )


def _entry(name: str, command: Any) -> str:
    taken = [each for each in command.params if each.param_type_name == "argument"]
    written = [_name(each) if each.required else f"[{_name(each)}]" for each in taken]
    words = " ".join(["netwright", name, *written])
    arguments = table(["argument", "meaning"], [[code(_name(each)), each.help or ""] for each in taken])
    kinds = get_type_hints(command.callback)
    rows = [_row(each, kinds.get(each.name)) for each in command.params if each not in taken]
    options = table(["option", "takes", "default", "meaning"], rows)
    return "\n\n".join([f"## netwright {name}", command.help or "", f"`{words}`", *filter(None, [arguments, options])])


def _name(argument: Any) -> str:
    return argument.metavar or argument.name.upper()


def _rows(command: Any) -> list[list[str]]:
    return [[", ".join(map(code, each.opts)), each.help or ""] for each in command.params]


def _row(option: Any, kind: Any) -> list[str]:
    """kind: what the command's function declares for it."""
    written = ", ".join(map(code, (*option.opts, *option.secondary_opts)))
    if option.is_flag:
        either = option.secondary_opts and option.default is not None
        default = code(option.opts[0] if option.default else option.secondary_opts[0]) if either else ""
        return [written, "", default, filled(option.help) or ""]
    given = "" if option.default in (None, [], "") else code(option.default)
    return [written, _takes(kind) + (", repeatable" if option.multiple else ""), given, filled(option.help) or ""]


def _takes(kind: Any) -> str:
    """The kind of value: "text" for `str | None` and for `list[str] | None`."""
    plain = next((each for each in (*get_args(kind), kind) if each is not type(None)), kind)
    return WORDS.get((get_args(plain) or (plain,))[0], "")
