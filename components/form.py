"""Forms: fields that say what is wrong with them, and a button that cannot be pressed twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import AristobotError, InvalidInput
from aristobot.language import explain
from components.confirm import complain


def text_field(label: str, value: str = "", *, secret: bool = False, autocomplete: str = "off") -> ui.input:
    """One line of text; a secret is hidden until its eye is pressed."""
    field = ui.input(label, value=value, password=secret, password_toggle_button=secret)
    return field.props(f"outlined hide-bottom-space autocomplete={autocomplete}")


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
            field_of.error = explain(error)
            field_of.run_method("focus")
    except AristobotError as error:
        complain(error)
    finally:
        if not button.is_deleted:
            button.props(remove="loading")
            button.enable()
