"""What a key may do, found out by trying where the exchange does not say it: nothing of this changes anything."""

from __future__ import annotations

from aristobot.errors import BadKey, InvalidOrder, MissingRight, Refused
from aristobot.exchange import Credentials, KeyRights
from services.exchanges.kraken_account import rights_of
from services.exchanges.kraken_calls import KrakenCalls
from services.exchanges.kraken_sign import Form

#: An order that is only checked, far from the market.
_REHEARSAL = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "10", "volume": "1", "validate": "true"}

#: A firewall before the exchange says nothing about what the key may do, and neither does an account that is closed.
_FIREWALL = "request_blocked"
_NOT_THE_KEY = frozenset({_FIREWALL, "account_disabled"})


async def rights(calls: KrakenCalls, keys: Credentials) -> KeyRights:
    """As GetApiKeyInfo says it; of a key that may not ask, as the calls themselves are answered."""
    try:
        return rights_of(await calls.private("/0/private/GetApiKeyInfo", {}, keys))
    except (MissingRight, InvalidOrder) as error:
        if error.code in _NOT_THE_KEY:
            raise
        return KeyRights(
            can_read=await _may(calls, "BalanceEx", {}, keys) and await _may(calls, "OpenOrders", {}, keys),
            can_trade=await _may(calls, "AddOrder", _REHEARSAL, keys),
            can_withdraw=await _may(calls, "WithdrawMethods", {}, keys),
        )


async def _may(calls: KrakenCalls, name: str, form: Form, keys: Credentials) -> bool:
    try:
        await calls.private(f"/0/private/{name}", form, keys)
    except (BadKey, MissingRight) as error:
        if isinstance(error, MissingRight) and error.code != _FIREWALL:
            return False
        raise
    except Refused:
        return True  # refused for another reason: the right is there
    return True
