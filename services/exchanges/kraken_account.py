"""Kraken's answers about an account: what it holds, and what its key may do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from aristobot.errors import DataError
from aristobot.exchange import Fees, KeyRights
from aristobot.money import WIDE, ZERO, amount
from aristobot.portfolio import Balance
from services.exchanges.kraken_catalogue import Catalogue
from services.exchanges.kraken_errors import NAME
from services.exchanges.kraken_wire import Answer, real, real_fee, result_of, seconds


class Holding(msgspec.Struct, gc=False):
    """One asset of BalanceEx as it is written: texts, of which most need never be read as numbers."""

    balance: str
    hold_trade: str = "0"
    credit: str = "0"
    credit_used: str = "0"


class Counted(msgspec.Struct):
    """The same where amounts come as JSON numbers."""

    balance: Decimal
    hold_trade: Decimal = ZERO
    credit: Decimal = ZERO
    credit_used: Decimal = ZERO


class KeyInfo(msgspec.Struct):
    """GetApiKeyInfo; times are seconds, 0 for never."""

    permissions: list[str]
    ip_allowlist: list[str] = []
    valid_until: Decimal = ZERO
    created_time: Decimal = ZERO


class Tier(msgspec.Struct):
    """What is paid on one pair, in per cent."""

    fee: Decimal


class Volume(msgspec.Struct):
    """TradeVolume; where makers pay what takers pay, only the one list is there."""

    fees: dict[str, Tier]
    fees_maker: dict[str, Tier] = {}


_HOLDINGS = msgspec.json.Decoder(Answer[dict[str, Holding]])
_COUNTED = msgspec.json.Decoder(Answer[dict[str, Counted]])
_VOLUME = msgspec.json.Decoder(Answer[Volume])
_KEY_INFO = msgspec.json.Decoder(Answer[KeyInfo])
#: How nothing is written, as a rule, and by assets of so many decimals.
_ZERO = "0.0000000000"
_ZEROS = frozenset({"0", *("0." + "0" * places for places in range(1, 19))})


def balances_of(body: bytes, catalogue: Catalogue) -> list[Balance]:
    """What is held, without the assets that are empty. Free is the balance without what orders hold, plus unused credit."""
    try:
        held = _HOLDINGS.decode(body).result
    except (msgspec.MsgspecError, ValueError, RecursionError):
        counted = result_of(_COUNTED, body)
        return _counted(counted, catalogue)
    found: list[Balance] = []
    names = catalogue.assets
    for native, one in held.items():
        balance, held_back = one.balance, one.hold_trade
        if (held_back == _ZERO or held_back in _ZEROS) and one.credit in _ZEROS:
            if balance != _ZERO and balance not in _ZEROS:
                found.append(Balance(names.get(native) or catalogue.asset_of(native), balance))
            continue
        exact = Counted(amount(one.balance), amount(one.hold_trade), amount(one.credit), amount(one.credit_used))
        found += _counted({native: exact}, catalogue)
    return found


def _counted(held: Mapping[str, Counted], catalogue: Catalogue) -> list[Balance]:
    found: list[Balance] = []
    for native, one in held.items():
        real(one.balance, one.hold_trade, one.credit, one.credit_used)
        unused = WIDE.subtract(one.credit, one.credit_used)
        free = max(WIDE.add(WIDE.subtract(one.balance, one.hold_trade), unused), ZERO)
        if free or one.hold_trade:
            found.append(Balance.of(catalogue.asset_of(native), free, one.hold_trade))
    return found


def rights_of(body: bytes) -> KeyRights:
    """What a key may do. Reading means that orders and funds can be seen, or nothing could ever be compared."""
    info = result_of(_KEY_INFO, body)
    may = frozenset(info.permissions)
    return KeyRights(
        can_read={"query-funds", "query-open-trades", "query-closed-trades"} <= may,
        can_trade="modify-trades" in may,
        can_withdraw="withdraw-funds" in may,
        ip_restricted=any(info.ip_allowlist),
        expires_at=seconds(info.valid_until) if info.valid_until else None,
        created_at=seconds(info.created_time) if info.created_time else None,
    )


def fees_of(body: bytes) -> Fees:
    """What is paid on the one pair that was asked about, whatever it is called."""
    volume = result_of(_VOLUME, body)
    taker = next(iter(volume.fees.values()), None)
    if taker is None:
        raise DataError("unreadable_answer", exchange=NAME, detail="TradeVolume names no fee")
    maker = next(iter(volume.fees_maker.values()), taker)
    real_fee(taker.fee)
    real_fee(maker.fee)
    return Fees(maker.fee.scaleb(-2), taker.fee.scaleb(-2))
