"""Forms: fields that say what is wrong with them, and a button that cannot be pressed twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import AristobotError, InvalidInput
from aristobot.language import _, explain
from components.confirm import complain
from components.focus import give_back
from components.words import labelled


def text_field(label: str, value: str = "", *, secret: bool = False, autocomplete: str = "off") -> ui.input:
    """One line of text; a secret is hidden until its eye is pressed."""
    field = secret_input(label, value) if secret else ui.input(label, value=value)
    return field.props(f"outlined hide-bottom-space autocomplete={autocomplete}")


def secret_input(label: str, value: str = "") -> ui.input:
    """A field whose text is hidden until its eye is pressed, with a finger, the mouse or the keyboard."""

    def turn() -> None:
        shown = field.props["type"] == "password"
        field.props["type"] = "text" if shown else "password"
        eye.props["aria-pressed"] = "true" if shown else "false"
        eye.set_icon("visibility" if shown else "visibility_off")

    field = ui.input(label, value=value, password=True)
    with field.add_slot("append"):
        eye = ui.button(icon="visibility_off", on_click=turn).props("flat round dense color=white aria-pressed=false")
        labelled(eye, _("Show what is typed")).mark("eye")
    return field


def _at(field: ValidationElement[Any], error: InvalidInput) -> str:
    """What is wrong, with the name that the reader sees at the field in place of the one that programs use."""
    return explain(error.code, error.facts | {"field": field.props.get("label") or error.field})


@asynccontextmanager
async def submitting(button: ui.button, fields: Mapping[str, ValidationElement[Any]]) -> AsyncIterator[None]:
    """While the block runs the button waits. An InvalidInput is written at its field, any other error in a message.

    `fields` are the form's, by the names that errors use. What is inside the block after an error is not done.
    """
    for field in fields.values():
        field.error = None
    button.props("loading")
    button.disable()
    try:
        yield
    except InvalidInput as error:
        field_of = fields.get(error.field) or fields.get(error.field.partition(".")[0])
        if field_of is None:
            complain(error)
        else:
            field_of.error = _at(field_of, error) if error.field in fields else explain(error)
            field_of.run_method("focus")
    except AristobotError as error:
        complain(error)
    finally:
        if not button.is_deleted:
            button.props(remove="loading")
            button.enable()
            give_back(button)
