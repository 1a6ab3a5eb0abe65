"""What a page will need, asked for before the browser finds out by itself that it needs it.

A library that a component imports is discovered only when the component has come; the libraries of other pages when one
of them is opened. Both are known here long before. A browser that was told to save data is sent what a page needs, and only that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from nicegui import __version__, dependencies, ui

GRID = "nicegui-aggrid"
CHART = "nicegui-echart"
EDITOR = "nicegui-codemirror"

#: Once the page stands: all of it fetched and compiled beside what the page does, then started one by one whenever it rests.
_WHEN_IDLE = """<script>
if (!navigator.connection?.saveData) addEventListener('load', () => setTimeout(async () => {
  const idle = () => new Promise(done => (self.requestIdleCallback ?? setTimeout)(done));
  const [names, files] = %s;
  for (const href of files) document.head.append(Object.assign(document.createElement('link'), {rel: 'modulepreload', href}));
  for (const name of names) { await idle(); await import(name).catch(() => {}); }
}, 1500));
</script>"""


def at_once(library: str) -> None:
    """Have the browser fetch a library together with the page that is being drawn. Of a page that stands: nothing."""
    client = ui.context.client
    link = f'<link rel="modulepreload" href="{_address(library)}">'
    if not client.has_socket_connection and link not in client.head_html:
        ui.add_head_html(link)


def when_idle() -> None:
    """Have the browser fetch what the other pages need as soon as it has nothing better to do."""
    libraries, components = [GRID, CHART, EDITOR], list(_components())
    files = [*map(_address, libraries), *components]
    ui.add_body_html(_WHEN_IDLE % json.dumps([[*libraries, *components], files]))


def _components() -> Iterator[str]:
    """The parts of all pages that have been imported, as the browser asks for them."""
    for component in list(dependencies.js_components.values()):
        yield f"/_nicegui/{__version__}/components/{component.key}"


def _address(library: str) -> str:
    key = next(key for key, module in dependencies.esm_modules.items() if module.name == library)
    return f"/_nicegui/{__version__}/esm/{key}/index.js"
