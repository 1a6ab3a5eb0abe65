"""Which strategy is to be tried, and which of its versions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from nicegui import ui

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.store.strategy_tables import StrategyVersion
from components import formats
from components.confirm import complain
from components.viewer import Viewer
from services.backtest_sources import Source

if TYPE_CHECKING:  # the house starts without numpy
    from aristobot.strategy_parameters import Parameter
    from services.app import App


class ParameterPlace(Protocol):
    """Shows the parameters of a strategy."""

    def wait(self) -> None:
        """It is being asked."""

    def refuse(self, words: str) -> None:
        """It cannot run."""

    def show(self, listed: Sequence[Parameter], /) -> None:
        """It lists these."""


class SourceFields:
    """Two fields; the second one is there when a strategy has more than one version."""

    def __init__(self, app: App, user: Viewer, mark: str) -> None:
        self._app, self._user = app, user
        self._place: ParameterPlace | None = None
        self._suggest: Callable[[str], None] = lambda timeframe: None
        self._sources: Sequence[Source] = ()
        self._source: Source | None = None
        self._quiet = False
        self._strategy = ui.select([], label=_("Strategy")).props("outlined").mark(f"{mark}-strategy")
        self._version = ui.select({}, label=_("Version")).props("outlined dense").mark(f"{mark}-version")
        self._version.set_visibility(False)
        self._strategy.on_value_change(lambda: self._unless_quiet(self._picked))
        self._version.on_value_change(lambda: self._unless_quiet(self._picked_version))

    @property
    def source(self) -> Source | None:
        """What is chosen."""
        return self._source

    def tell(self, place: ParameterPlace, suggest: Callable[[str], None]) -> None:
        """Where the parameters of what is chosen are shown, and who hears of its timeframe."""
        self._place, self._suggest = place, suggest

    async def load(self, wanted: str = "") -> bool:
        """Offer what can be tried; `wanted` is the id or name of what is chosen, else the first one is. False if it is gone."""
        self._sources = await self._app.backtester.sources.every(self._user.id)
        chosen = next((at for at, one in enumerate(self._sources) if wanted and one.answers(wanted.casefold())), None)
        older = await self._older(wanted) if wanted and chosen is None else None
        if older is not None:
            chosen = next((at for at, one in enumerate(self._sources) if one.strategy_id == older.strategy_id), None)
        with self._quietly():
            self._strategy.set_options({at: _named(one) for at, one in enumerate(self._sources)}, value=chosen or 0)
        await self._picked(older)
        return chosen is not None

    def focus(self) -> None:
        """Put the cursor on the first field."""
        self._strategy.run_method("focus")

    async def _older(self, wanted: str) -> Source | None:
        """A version that is not the newest of its strategy."""
        try:
            return await self._app.backtester.sources.find(self._user.id, wanted)
        except AristobotError as error:
            complain(error)
            return None

    async def _picked(self, older: Source | None = None) -> None:
        if self._strategy.value is None:
            return
        newest = self._sources[int(self._strategy.value)]
        self._source = older or newest
        named: dict[str, str] = {}
        if newest.strategy_id is not None:
            versions = await self._app.backtester.sources.versions(self._user.id, newest.strategy_id)
            named = {str(one.id): _numbered(one) for one in versions}
        with self._quietly():
            self._version.set_options(named, value=str(self._source.version_id) if named else None)
        self._version.set_visibility(len(named) > 1)
        await self._ask()

    async def _picked_version(self) -> None:
        if self._version.value is None:
            return
        self._source = await self._older(str(self._version.value)) or self._source
        await self._ask()

    async def _ask(self) -> None:
        """Ask the strategy for its parameters; one that cannot run says why."""
        source, place = self._source, self._place
        if source is None or place is None or not self._user.may_trade:
            return
        place.wait()
        try:
            told = await self._app.backtester.sources.described(self._user.id, source.text)
        except AristobotError as error:
            place.refuse(explain(error))
            return
        if source is self._source:  # nobody chose another one meanwhile
            place.show(told.parameters)
            self._suggest(told.timeframe)

    def _unless_quiet(self, do: Callable[[], Awaitable[None]]) -> Awaitable[None] | None:
        return None if self._quiet else do()

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """While fields are set by us, nobody has chosen anything."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False


def title_of(source: Source) -> str:
    """Its name as people read it."""
    return source.name if source.version_id else _(source.name)


def _named(source: Source) -> str:
    return source.name if source.version_id else _("Template: {name}", name=_(source.name))


def _numbered(version: StrategyVersion) -> str:
    words = f"v{version.number} · {formats.day_short(version.created_at)}"
    return f"{words} · {version.note}" if version.note else words
