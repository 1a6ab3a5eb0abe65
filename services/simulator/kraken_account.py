"""What a Kraken account may ask about itself: money, orders, executions, rights, fees, a token."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from aristobot.money import ZERO
from services.simulator.kraken_catalogue import Catalogue, KrakenAsset, asset_named
from services.simulator.kraken_errors import UNKNOWN_ORDER, KrakenError, invalid
from services.simulator.kraken_json import Json, fill_id, order_id, told, traded, wanted_of
from services.simulator.kraken_keys import TOKEN_SECONDS, Tokens, permissions
from services.simulator.kraken_market import KrakenMarket
from services.simulator.kraken_orders import KrakenOrders
from services.simulator.kraken_requests import Ask
from services.simulator.records import Account, Fill, Order
from services.simulator.world import World

#: Rows of one answer, and orders that one question may name.
PAGE = 50
T = TypeVar("T")


def _page(found: list[T], ask: Ask) -> list[T]:
    first = max(0, ask.params.integer("ofs") or 0)
    return found[first : first + PAGE]


class KrakenAccount:
    """Queries of one account. Whatever belongs to another account does not exist."""

    def __init__(self, world: World, orders: KrakenOrders, market: KrakenMarket, tokens: Tokens) -> None:
        self._world = world
        self._orders = orders
        self._market = market
        self._tokens = tokens

    @property
    def _catalogue(self) -> Catalogue:
        return self._market.catalogue

    def _assets(self, account: Account, *, today: bool) -> dict[str, tuple[KrakenAsset, str]]:
        """Every asset of an account by its key in answers, with our name."""
        known = self._catalogue.assets_by_name
        assets = {name: known.get(name) or asset_named(name) for name in account.holdings}
        return {(one.name if today else one.id): (one, name) for name, one in assets.items()}

    def balance(self, ask: Ask) -> Json:
        """`Balance`: all there is of each asset, held by orders or not."""
        account, today = ask.sender, ask.params.text("assetVersion") == "1"
        held = {key: (asset, account.holding(name)) for key, (asset, name) in self._assets(account, today=today).items()}
        return {key: _amount(asset, holding.free + holding.locked) for key, (asset, holding) in held.items()}

    def balance_ex(self, ask: Ask) -> Json:
        """`BalanceEx`: the same, with what orders hold."""
        account, today = ask.sender, ask.params.text("assetVersion") == "1"
        answer: Json = {}
        for key, (asset, name) in self._assets(account, today=today).items():
            holding = account.holding(name)
            whole = holding.free + holding.locked
            answer[key] = {"balance": _amount(asset, whole), "hold_trade": _amount(asset, holding.locked)}
        return answer

    def open_orders(self, ask: Ask) -> Json:
        """`OpenOrders`, all of them, or those of a client id or `userref`."""
        found = [order for order in reversed(ask.sender.open_orders.values()) if self._meant(ask, order)]
        return {"open": self._told(ask, found)}

    def closed_orders(self, ask: Ask) -> Json:
        """`ClosedOrders`, those that ended last first, fifty at a time."""
        found = [order for order in self._orders.every(ask.sender) if not order.is_open and self._meant(ask, order)]
        found = [order for order in found if self._within(ask, order)]
        found.sort(key=lambda order: order.done_at, reverse=True)
        answer: Json = {"closed": self._told(ask, _page(found, ask))}
        return answer if ask.params.flag("without_count") else answer | {"count": len(found)}

    def _told(self, ask: Ask, found: list[Order]) -> Json:
        with_fills = ask.params.flag("trades")
        return {order_id(order): told(order, with_fills=with_fills) for order in found}

    def _meant(self, ask: Ask, order: Order) -> bool:
        wanted, userref, client_id = wanted_of(order), ask.params.integer("userref"), ask.params.text("cl_ord_id")
        fits = userref in (None, wanted.userref) and client_id in ("", wanted.client_id)
        return fits and self._world.venue.is_visible(order)

    def _within(self, ask: Ask, order: Order) -> bool:
        """Inside `start` (excluded) and `end`, by the times that `closetime` names."""
        start, end = self._moment(ask, "start"), self._moment(ask, "end")
        counted = {"open": (order.accepted_at,), "close": (order.done_at,)}
        times = counted.get(ask.params.text("closetime"), (order.accepted_at, order.done_at))
        return any((start is None or at > start) and (end is None or at <= end) for at in times)

    def _moment(self, ask: Ask, name: str) -> Decimal | None:
        """A time in seconds, or the id of an order or execution whose time it is; in milliseconds."""
        text = ask.params.text(name)
        if not text:
            return None
        if text[0] in "OT" and text.count("-") == 2:
            order = self._orders.find(ask.sender, text)
            if order is not None:
                return Decimal(order.accepted_at)
            fill = next((one for one in self._fills(ask.sender) if fill_id(one) == text), None)
            if fill is None:
                raise invalid(name)
            return Decimal(fill.at)
        value = ask.params.decimal(name)
        return None if value is None else value * 1000

    def query_orders(self, ask: Ask) -> Json:
        """`QueryOrders`: up to fifty by their ids."""
        names = ask.params.need("txid").split(",")
        if len(names) > PAGE:
            raise invalid("txid")
        found: list[Order] = []
        for name in names:
            order = self._orders.find(ask.sender, name)
            if order is None or not self._world.venue.is_visible(order):
                raise KrakenError(UNKNOWN_ORDER)
            found.append(order)
        userref = ask.params.integer("userref")
        return self._told(ask, [order for order in found if userref in (None, wanted_of(order).userref)])

    def _fills(self, account: Account) -> list[Fill]:
        """All executions of an account, newest first."""
        return [fill for fill in reversed(account.fills) if self._world.venue.is_visible(fill.order)]

    def trades_history(self, ask: Ask) -> Json:
        """`TradesHistory`, newest first, fifty at a time."""
        start, end = self._moment(ask, "start"), self._moment(ask, "end")
        known = self._fills(ask.sender)
        found = [fill for fill in known if (start is None or fill.at > start) and (end is None or fill.at <= end)]
        told_ones = {fill_id(fill): traded(fill) for fill in _page(found, ask)}
        return {"trades": told_ones} if ask.params.flag("without_count") else {"count": len(found), "trades": told_ones}

    def query_trades(self, ask: Ask) -> Json:
        """`QueryTrades`: executions by their ids."""
        names, known = ask.params.need("txid").split(","), {fill_id(fill): fill for fill in self._fills(ask.sender)}
        if len(names) > PAGE or not set(names) <= known.keys():
            raise invalid("txid")
        return {name: traded(known[name]) for name in names}

    def key_info(self, ask: Ask) -> Json:
        """`GetApiKeyInfo`: what the key may do."""
        account = ask.sender
        opened = str(account.opened_at // 1000)
        return {
            "api_key_name": account.key[:20],
            "api_key": account.key,
            "nonce": str(ask.params.text("nonce")),
            "nonce_window": str(account.nonce_window),
            "permissions": permissions(account),
            "iban": f"AA{account.number}",
            "valid_until": "0",
            "query_from": "0",
            "query_to": "0",
            "created_time": opened,
            "modified_time": opened,
            "ip_allowlist": ["127.0.0.1"] if account.ip_restricted else [],
            "last_used": str(self._world.clock.ms() // 1000),
        }

    def trade_volume(self, ask: Ask) -> Json:
        """`TradeVolume`: the fees of this account, in per cent, for each `pair`."""
        answer: Json = {"currency": "ZUSD", "volume": "0.0000"}
        if not ask.params.has("pair"):
            return answer
        pairs = [self._market.pair(name) for name in ask.params.text("pair").split(",")]
        for kind in ("fees", "fees_maker"):
            answer[kind] = {}
            for pair in pairs:
                maker, taker = ask.sender.rates(pair.instrument)
                answer[kind][pair.key] = _tier((taker if kind == "fees" else maker) * 100)
        return answer

    def token(self, ask: Ask) -> Json:
        """`GetWebSocketsToken`."""
        return {"token": self._tokens.make(ask.sender), "expires": TOKEN_SECONDS}


def _amount(asset: KrakenAsset, amount: Decimal) -> str:
    """An amount with the decimals of its asset, and more when it has more: nothing is lost here."""
    exponent = amount.normalize().as_tuple().exponent
    return f"{amount:.{max(asset.decimals, -exponent if isinstance(exponent, int) else 0)}f}"


def _tier(percent: Decimal) -> Json:
    rate = f"{percent:.4f}"
    return {"fee": rate, "minfee": "0.0000", "maxfee": rate, "nextfee": None, "nextvolume": None, "tiervolume": f"{ZERO:.4f}"}
