"""What becomes of an alert: sized, ordered, guarded, moved, closed, or refused with its reason."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal

import httpx
import pytest
from httpx import ASGITransport

from aristobot.kinds import LotStatus, TokenScope, WebhookOutcome, WebhookStatus
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.store import webhooks
from services.api.application import build
from tests.services.trading import HAND, Trader, TradingHouse

D = Decimal


async def test_a_ping_is_answered_and_does_nothing(house: TradingHouse, trader: Trader) -> None:
    ended = await house.alert(trader, action="PING")
    assert (ended.status, ended.outcome) == (WebhookStatus.PROCESSED, WebhookOutcome.PING)
    assert trader.orders() == []


async def test_half_of_the_money_is_bought_and_guarded_on_both_sides(house: TradingHouse, trader: Trader) -> None:
    position = await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    assert (position.quantity, position.status) == (D("0.08324667"), LotStatus.OPEN)
    await house.guarded(trader, ("stop", "0.08324", "58800"), ("target", "0.08324", "61800"))
    state = await house.state(trader)
    assert (state.stop_loss, state.take_profit, state.quantity) == (D(58800), D(61800), position.quantity)


async def test_an_alert_without_exits_gets_none(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader)
    assert await house.resting(trader) == []
    assert await house.bracket(trader) is None


async def test_a_stop_alone_rests_alone(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    await house.guarded(trader, ("stop", "0.08324", "59000"))


async def test_two_targets_share_the_position_under_one_stop(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit=[["50%", "61000"], ["50%", "62000"]])
    await house.guarded(
        trader,
        ("stop", "0.04162", "59000"),
        ("stop", "0.04162", "59000"),
        ("target", "0.04162", "61000"),
        ("target", "0.04162", "62000"),
    )


async def test_the_first_of_two_targets_leaves_the_other_half_guarded(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit=[["50%", "61000"], ["50%", "62000"]])
    house.price("61200")
    await house.guarded(trader, ("stop", "0.04162", "59000"), ("target", "0.04162", "62000"))
    await house.holds(trader, "0.04162667")
    house.price("62500")
    await house.closed(trader)
    await house.guarded(trader)


async def test_a_reached_stop_closes_the_position_and_tells_its_loss(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    house.price("58000")
    position, state = await house.closed(trader), await house.state(trader)
    assert (position.status, state.status) == (LotStatus.CLOSED, LotStatus.CLOSED)
    assert position.realised == state.realised_pnl < 0
    await house.guarded(trader)


async def test_an_update_moves_the_stop_and_keeps_the_target(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="-2%", take_profit="61800")
    ended = await house.alert(trader, action="MAJ", stop_loss="59500")
    assert (ended.outcome, ended.status) == (WebhookOutcome.UPDATED, WebhookStatus.PROCESSED)
    await house.guarded(trader, ("stop", "0.08324", "59500"), ("target", "0.08324", "61800"))


async def test_an_update_that_says_nothing_new_touches_nothing(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    before = house.asked("list.place", "list.cancel")
    ended = await house.alert(trader, action="MAJ", stop_loss="59000")
    assert (ended.outcome, ended.reason) == (WebhookOutcome.NO_EFFECT, "reason.exits_unchanged")
    assert house.asked("list.place", "list.cancel") == before


async def test_an_update_without_a_position_has_no_effect(house: TradingHouse, trader: Trader) -> None:
    ended = await house.alert(trader, action="MAJ", stop_loss="59000")
    assert (ended.outcome, ended.reason) == (WebhookOutcome.NO_EFFECT, "reason.no_position")


async def test_a_stop_above_the_market_sells_at_once(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    await house.alert(trader, action="MAJ", stop_loss="60500")
    assert (await house.position(trader)).status is LotStatus.CLOSED
    assert trader.orders(type=OrderType.MARKET, side=Side.SELL)[0].filled == D("0.08324")
    await house.guarded(trader)


async def test_an_exit_takes_the_stop_back_and_sells_what_is_held(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    ended = await house.alert(trader, action="SellMarket")
    assert ended.outcome == WebhookOutcome.ORDERED
    assert (await house.position(trader)).status is LotStatus.CLOSED
    assert trader.total("BTC") == D("0.00000667")
    await house.guarded(trader)


async def test_a_share_is_sold_and_the_rest_stays_guarded(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    await house.alert(trader, action="SellMarket", percent=25)
    assert (await house.position(trader)).quantity == D("0.06243667")
    await house.guarded(trader, ("stop", "0.06243", "59000"), ("target", "0.06243", "62000"))


async def test_an_exit_sells_only_what_alerts_bought(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "3"})
    await house.buy(rich, stop_loss="-2%", take_profit="+3%")
    await house.alert(rich, action="SellMarket")
    assert rich.total("BTC") == D("3.00000667")


async def test_an_exit_larger_than_is_taken_at_the_market_comes_out_all_the_same(house: TradingHouse) -> None:
    whale = await house.trader({"USDT": "5000000"})
    assert (await house.alert(whale, symbol="DOGEUSDT", action="BuyMarket", percent=50, stop_loss="0.15")).outcome == "ordered"
    held = await house.position(whale, "DOGE/USDT")
    instrument = await house.app.catalog.instrument("binance", "DOGE/USDT")
    assert held.quantity > instrument.max_market_quantity > 0
    ended = await house.alert(whale, symbol="DOGEUSDT", action="SellMarket")
    assert (ended.outcome, ended.reason) == ("ordered", "")
    assert (await house.position(whale, "DOGE/USDT")).status is LotStatus.CLOSED
    (sale,) = whale.orders(side=Side.SELL, status=OrderStatus.FILLED)
    assert sale.type is OrderType.LIMIT
    await house.guarded(whale)


async def test_an_exit_without_a_position_has_no_effect(house: TradingHouse) -> None:
    rich = await house.trader({"USDT": "10000", "BTC": "3"})
    ended = await house.alert(rich, action="SellMarket")
    assert (ended.outcome, ended.reason) == (WebhookOutcome.NO_EFFECT, "reason.nothing_to_sell")
    assert rich.orders() == []


async def test_a_second_entry_is_not_made_while_the_first_is_held(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader)
    ended = await house.alert(trader, action="BuyMarket", percent=50)
    assert (ended.outcome, ended.reason) == (WebhookOutcome.NO_EFFECT, "reason.already_long")


async def test_whoever_allows_pyramids_buys_again_and_guards_the_whole(house: TradingHouse) -> None:
    builder = await house.trader(limits={"pyramiding": True})
    await house.buy(builder, stop_loss="59000", take_profit="62000")
    await house.alert(builder, action="BuyMarket", percent=50)
    assert (await house.position(builder)).quantity > D("0.12")
    await house.guarded(builder, ("stop", "0.12486", "59000"), ("target", "0.12486", "62000"))


async def test_a_limit_entry_rests_and_brings_its_exits_when_it_is_filled_late(house: TradingHouse, trader: Trader) -> None:
    ended = await house.alert(trader, action="BuyLimit", price=59000, percent=50, stop_loss="-2%", take_profit="+3%")
    assert ended.outcome == WebhookOutcome.ORDERED
    await house.guarded(trader, ("entry", "0.08474", "59000"))
    house.price("58900")
    await house.guarded(trader, ("stop", "0.08465", "57877.87"), ("target", "0.08465", "60830.84"))


async def test_a_resting_entry_is_taken_back_by_a_cancel(house: TradingHouse, trader: Trader) -> None:
    await house.alert(trader, action="BuyLimit", price=59000, percent=50)
    ended = await house.alert(trader, action="cancel")
    assert ended.outcome == WebhookOutcome.UPDATED
    assert [order.status for order in trader.orders()] == [OrderStatus.CANCELED]


async def test_a_limit_exit_becomes_a_target_beside_the_stop(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    ended = await house.alert(trader, action="SellLimit", price=63000)
    assert ended.outcome == WebhookOutcome.ORDERED
    await house.guarded(trader, ("stop", "0.08324", "59000"), ("target", "0.08324", "63000"))


async def test_the_commands_of_one_alert_are_done_in_their_order(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    close, reopen = {"symbol": "BTCUSDT", "action": "SellMarket"}, {"symbol": "BTCUSDT", "action": "BuyMarket", "percent": 20}
    ended = await house.ended(await house.send(trader, close, reopen))
    assert ended.outcome == WebhookOutcome.ORDERED
    assert [(one.side, one.status) for one in trader.orders(filled=D("0.08324"))] == [(Side.SELL, OrderStatus.FILLED)]
    assert (await house.position(trader)).status is LotStatus.OPEN
    assert [row.side for row in await house.rows(trader, status=OrderStatus.FILLED)] == [Side.BUY, Side.SELL, Side.BUY]


async def test_what_follows_a_refused_command_is_not_done(house: TradingHouse, trader: Trader) -> None:
    wrong, right = {"symbol": "NOSUCHCOIN", "action": "BuyMarket"}, {"symbol": "BTCUSDT", "action": "BuyMarket"}
    ended = await house.ended(await house.send(trader, wrong, right))
    assert (ended.status, ended.outcome) == (WebhookStatus.ERROR, WebhookOutcome.REFUSED)
    assert trader.orders() == []


async def test_of_many_updates_that_wait_only_the_last_is_done(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    house.faults({"on": "list.cancel", "do": "slow", "seconds": 0.3})
    stops = (59100, 59200, 59300, 59400)
    sent = []
    for stop in stops:
        sent.append(await house.send(trader, {"symbol": "BTCUSDT", "action": "MAJ", "stop_loss": stop, "id": str(stop)}))
    ended = [await house.ended(one) for one in sent]
    assert [row.outcome for row in ended] == ["updated", "no_effect", "no_effect", "updated"]
    assert {row.reason for row in ended[1:3]} == {"reason.superseded"}
    await house.until(lambda: D(59400) in {order.stop_price for order in trader.orders()}, within=8)  # 5 s after the first move
    await house.guarded(trader, ("stop", "0.08324", "59400"), ("target", "0.08324", "62000"))


@pytest.mark.parametrize("mode", ["OFF", "STRATEGIES"])
async def test_only_a_broker_that_listens_to_alerts_trades(house: TradingHouse, mode: str) -> None:
    deaf = await house.trader(mode=mode)
    ended = await house.alert(deaf, action="BuyMarket")
    assert (ended.outcome, ended.reason, ended.reason_facts) == ("refused", "reason.broker_mode", {"mode": mode})
    assert deaf.orders() == []


async def test_a_broker_that_may_only_reduce_sells_and_does_not_buy(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    await house.app.brokers.change(trader.user_id, trader.broker_id, {"access": "REDUCE_ONLY"}, HAND)
    refused = await house.alert(trader, action="BuyMarket", symbol="ETHUSDT")
    assert (refused.outcome, refused.reason) == ("refused", "error.broker_reduce_only")
    assert (await house.alert(trader, action="SellMarket")).outcome == WebhookOutcome.ORDERED


async def test_a_broker_that_may_only_read_neither_buys_nor_sells(house: TradingHouse, trader: Trader) -> None:
    await house.app.brokers.change(trader.user_id, trader.broker_id, {"access": "READ_ONLY"}, HAND)
    refused = await house.alert(trader, action="BuyMarket")
    assert refused.reason == "error.broker_read_only"
    assert trader.orders() == []


async def test_an_alert_for_another_broker_than_its_tokens_is_refused(house: TradingHouse, trader: Trader) -> None:
    ended = await house.alert(trader, action="BuyMarket", broker_id=str(uuid.uuid4()))
    assert (ended.outcome, ended.reason) == ("refused", "reason.not_the_tokens")


async def test_an_entry_that_waited_too_long_is_stale_and_an_exit_is_not(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    long_ago = "2025-12-31T23:00:00Z"
    entry = await house.alert(trader, action="BuyMarket", symbol="ETHUSDT", sent_at=long_ago)
    assert (entry.outcome, entry.reason) == ("stale", "reason.stale")
    leaving = await house.alert(trader, action="SellMarket", sent_at=long_ago)
    assert leaving.outcome == WebhookOutcome.ORDERED


async def test_two_alerts_cannot_spend_the_same_money(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "order.place", "do": "slow_reply", "seconds": 0.2})
    first, second = await asyncio.gather(
        house.alert(trader, action="BuyMarket", percent=100),
        house.alert(trader, action="BuyMarket", percent=100, symbol="ETHUSDT"),
    )
    outcomes = sorted((first.outcome or "", second.outcome or ""))
    assert outcomes == ["ordered", "refused"]
    assert [order.status for order in trader.orders()] == [OrderStatus.FILLED]
    assert {row.status for row in await house.rows(trader)} <= {OrderStatus.FILLED, OrderStatus.DENIED}


async def test_an_alert_of_a_stranger_symbol_says_so(house: TradingHouse, trader: Trader) -> None:
    ended = await house.alert(trader, action="BuyMarket", symbol="NOSUCHCOIN")
    assert (ended.outcome, ended.reason) == ("refused", "error.unknown_symbol")


async def test_a_broker_with_a_quote_of_its_own_buys_in_that_quote(house: TradingHouse) -> None:
    european = await house.trader({"EUR": "5000"}, quote="EUR")
    await house.alert(european, action="BuyMarket", percent=50, stop_loss="-2%", take_profit="+2%")
    assert {order.symbol for order in european.orders()} == {"BTC/EUR"}


async def test_an_alert_in_dollars_is_traded_in_euros_with_its_exits_converted(house: TradingHouse) -> None:
    house.price("54000", "BTC/EUR")
    european = await house.trader({"EUR": "5000"}, quote="EUR")
    ended = await house.alert(european, action="BuyMarket", percent=50, price="60000", stop_loss="58800", take_profit="61800")
    assert (ended.outcome, ended.symbol) == ("ordered", "BTC/EUR"), (ended.reason, ended.reason_facts)
    assert {(role, price) for role, _, price in await house.resting(european)} == {("stop", D(52920)), ("target", D(55620))}


async def test_an_alert_whose_price_has_left_its_market_is_not_converted(house: TradingHouse) -> None:
    house.price("54000", "BTC/EUR")
    european = await house.trader({"EUR": "5000"}, quote="EUR", limits={"remap_divergence_percent": "0.5"})
    ended = await house.alert(european, action="BuyMarket", price="60400", stop_loss="58800")
    assert (ended.outcome, ended.reason) == ("refused", "error.remap_diverged")
    assert ended.reason_facts is not None
    assert (ended.reason_facts["percent"], ended.reason_facts["maximum"]) == ("0.6666", "0.5")
    assert european.orders() == []


async def test_what_was_bought_before_the_quote_was_changed_can_still_be_sold(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="-2%")
    await house.app.brokers.change(trader.user_id, trader.broker_id, {"quote": "EUR"}, HAND)
    ended = await house.alert(trader, action="SellMarket")
    assert (ended.outcome, ended.symbol) == ("ordered", "BTC/USDT")
    await house.closed(trader)


async def test_a_late_fill_is_guarded_in_its_own_market_however_far_the_prices_drifted(house: TradingHouse) -> None:
    house.price("54000", "BTC/EUR")
    european = await house.trader({"EUR": "5000"}, quote="EUR")
    await house.alert(european, action="BuyLimit", percent=50, price="59000", stop_loss="57820")
    assert [order.price for order in european.orders()] == [D(53100)]
    house.price("57500")
    house.price("52900", "BTC/EUR")

    async def stops() -> list[Decimal]:
        return [price for role, _, price in await house.resting(european) if role == "stop"]

    assert await house.when(stops) == [D("52090.09")]  # two per cent below the entry and its fee


async def test_every_alert_is_one_row_from_birth_to_end(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000", take_profit="62000")
    await house.alert(trader, action="MAJ", stop_loss="59500")
    await house.alert(trader, action="SellMarket")
    rows = await house.read(lambda s: webhooks.recent(s, trader.broker_id))
    assert [(row.action, row.outcome) for row in reversed(rows)] == [
        ("BuyMarket", "ordered"), ("MAJ", "updated"), ("SellMarket", "ordered"),
    ]  # fmt: skip
    assert all(row.finished_at and row.order_ids and row.trace_id for row in rows)


async def test_an_alert_names_its_orders_by_the_ids_under_which_the_api_knows_them(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    placed = await house.rows(trader)
    token, _row = await house.app.accounts.tokens.create(trader.user_id, TokenScope.READ, HAND)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=ASGITransport(build(house.app)), base_url="http://house", headers=headers) as web:
        [alert] = (await web.get("/api/webhooks/")).json()["items"]
        [command] = alert["result"]["commands"]
        named = [*alert["order_ids"], *(order["id"] for order in command["orders"])]
        assert named == [str(uuid.UUID(one)) for one in named]
        assert {36} == {len(one) for one in named}
        assert set(named) <= {str(row.id) for row in placed}
        assert [(await web.get(f"/api/orders/{one}/")).json()["id"] for one in named] == named


async def test_a_broker_that_only_reduces_sells_and_does_not_buy_and_one_that_only_looks_does_neither(
    house: TradingHouse, trader: Trader
) -> None:
    await house.buy(trader)
    ends = []
    for access in ("READ_ONLY", "REDUCE_ONLY"):
        await house.app.brokers.change(trader.user_id, trader.broker_id, {"access": access}, HAND)
        entry = await house.alert(trader, action="BuyMarket", symbol="ETHUSDT")
        exit_ = await house.alert(trader, action="SellMarket")
        ends += [(access, one.outcome, one.reason) for one in (entry, exit_)]
    assert ends == [
        ("READ_ONLY", "refused", "error.broker_read_only"),
        ("READ_ONLY", "refused", "error.broker_read_only"),
        ("REDUCE_ONLY", "refused", "error.broker_reduce_only"),
        ("REDUCE_ONLY", "ordered", ""),
    ]
    await house.closed(trader)
