"""Write strategies."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.events import StrategyChanged
from aristobot.language import _
from components.live import Live
from components.page_head import page_head
from components.save_key import SaveKey
from components.shell import page
from components.strategy_bench import StrategyBench
from components.strategy_list import StrategyList
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/strategies", title="Strategies", icon="code", order=50)
async def strategies(app: App, user: Viewer, live: Live, strategy: str = "") -> None:
    """The list beside the editor; `strategy` in the address opens that one."""
    with page_head(_("Strategies"), _("Written in Python, tried behind walls. Each save is a version that never changes.")):
        pass

    async def open_one(strategy_id: uuid.UUID) -> None:
        if await bench.open(strategy_id):
            listed.current = strategy_id
            await listed.show()

    with ui.element("div").classes("strategies"):
        listed = StrategyList(app, user, open_one, lambda number: bench.compare(number))
        bench = StrategyBench(app, user, live)
    SaveKey(bench.save)

    async def changed(event: StrategyChanged) -> None:
        if bench.row is not None and event.strategy_id == bench.row.id:
            await bench.refresh()
        listed.current = bench.row.id if bench.row is not None else None
        await listed.show()

    live.each(StrategyChanged, do=changed)
    living = await listed.show()
    wanted = None
    with suppress(ValueError):
        wanted = uuid.UUID(strategy) if strategy else None
    if wanted is not None:
        await open_one(wanted)
    elif living:
        await open_one(max(living, key=lambda one: one.row.updated_at).row.id)
