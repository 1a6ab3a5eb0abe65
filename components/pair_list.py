"""A list of pairs with their prices and stars: one element, and not seven for each of its pairs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from nicegui import events, ui

from aristobot.language import _
from aristobot.market import Symbol
from components.words import labelled

Act = Callable[[Symbol], Awaitable[None]]


class PairList(ui.element, component="pair_list.js"):
    """`pick` is told which pair was chosen, `star` whose star was clicked."""

    def __init__(self, name: str, pick: Act, star: Act) -> None:
        super().__init__()
        self._pick, self._star = pick, star
        self._symbols: list[Symbol] = []
        self._prices: dict[Symbol, str] = {}
        words = {"keep": _("Keep {symbol} at hand"), "drop": _("Remove {symbol} from the favourites")}
        self._props.update(pairs=[], prices={}, chosen="", told=False, none=_("No pair answers this search."), **words)
        labelled(self, name)
        self.on("pick", self._picked)
        self.on("star", self._starred)

    @property
    def symbols(self) -> Sequence[Symbol]:
        """The pairs, in their order."""
        return tuple(self._symbols)

    @property
    def prices(self) -> Mapping[Symbol, str]:
        """What stands beside the pairs."""
        return dict(self._prices)

    def show(self, symbols: Sequence[Symbol], starred: Collection[Symbol], prices: Mapping[Symbol, str]) -> None:
        """List these pairs."""
        self._symbols, self._prices = list(symbols), dict(prices)
        self._props["pairs"] = [_pair(one, one in starred) for one in symbols]
        self._props["prices"] = dict(prices)
        self._props["told"] = True

    def choose(self, symbol: Symbol) -> None:
        """Mark this pair as the one that is looked at."""
        self._props["chosen"] = symbol

    def write(self, prices: Mapping[Symbol, str]) -> None:
        """Write these prices; of those that stand there already nothing travels."""
        changed = {one: words for one, words in prices.items() if self._prices.get(one, "") != words}
        if not changed:
            return
        self._prices.update(changed)
        with self._props.suspend_updates():
            self._props["prices"] = dict(self._prices)
        self.run_method("write", changed)

    async def _picked(self, event: events.GenericEventArguments) -> None:
        if event.args in self._symbols:  # what names no pair of this list is nobody's click
            await self._pick(event.args)

    async def _starred(self, event: events.GenericEventArguments) -> None:
        if event.args in self._symbols:
            await self._star(event.args)


def _pair(symbol: Symbol, starred: bool) -> dict[str, str | bool]:
    base, _slash, quote = symbol.partition("/")
    return {"symbol": symbol, "base": base, "quote": quote, "starred": starred}
