"""The description of the API as one page that loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{background:#0b0f1a;color:#dfe7f3;font:15px/1.5 system-ui;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "h1,h2{color:#00D4FF}code{color:#00FF88}table{border-collapse:collapse;width:100%}"
    "td,th{border-bottom:1px solid #243049;padding:.35rem .6rem;text-align:left;vertical-align:top}"
    "a{color:#00D4FF}small{color:#8b9bb4}"
)


def page_of(description: Mapping[str, Any]) -> str:
    """An HTML page for an OpenAPI description: every operation by its tag, then every schema."""
    title = escape(f"{description['info']['title']} {description['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f'<h1>{title}</h1><p>Authorization: <code>Bearer …</code> · <a href="openapi.json">openapi.json</a></p>'
        f"{''.join(_operations(description))}<h2>Schemas</h2>{''.join(_schemas(description))}</html>"
    )


def _operations(description: Mapping[str, Any]) -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            said = escape(operation.get("description", operation.get("summary", "")))
            asked = escape(", ".join(_parameters(operation)))
            name = f"<td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
            rows = by_tag.setdefault(operation.get("tags", [""])[0], [])
            rows.append(f"<tr>{name}<td>{said}<br><small>{asked}</small></td></tr>")
    for tag, rows in by_tag.items():
        yield f"<h2>{escape(tag)}</h2><table>{''.join(rows)}</table>"


def _parameters(operation: Mapping[str, Any]) -> Iterator[str]:
    for one in operation.get("parameters", []):
        yield one["name"] + ("" if one.get("required") else "?")
    for kind in operation.get("requestBody", {}).get("content", {}).values():
        yield "body: " + _type_of(kind["schema"])


def _schemas(description: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in sorted(description.get("components", {}).get("schemas", {}).items()):
        needed = schema.get("required", [])
        fields = schema.get("properties", {}).items()
        listed = ", ".join(f"{field}{'' if field in needed else '?'}: {_type_of(kind)}" for field, kind in fields)
        yield f"<p><code>{escape(name)}</code> {escape(schema.get('description', ''))}<br><small>{escape(listed)}</small></p>"


def _type_of(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type_of(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"[{_type_of(schema.get('items', {}))}]"
    return str(schema.get("format") or schema.get("type", "any"))
