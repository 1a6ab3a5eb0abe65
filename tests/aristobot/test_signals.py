"""What an alert says, however it is written, and what is wrong with those that say nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aristobot.language import explain
from aristobot.market import Timeframe
from aristobot.payloads import LARGEST_BODY, MOST_COMMANDS
from aristobot.signals import Action, Parsed, PriceSpec, Signal, Target, longest_lag, parse, staleness
from aristobot.store.trading_tables import Webhook

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FRENCH = {
    "Symbol": "BTCUSDT",
    "Exchange": "BINANCE",
    "Interval": "60",
    "Action": "BuyLimit",
    "Prix": "65000,5",
    "PrixSL": "-2%",
    "PrixTP": [["50%", "+3%"], ["50%", "+6%"]],
    "PourCent": 50,
    "UserID": "u",
    "UserExchangeID": "b",
    "BarTime": "2026-01-01T11:00:00Z",
    "Time": "2026-01-01T12:00:00Z",
    "id": "one",
    "market_position": "long",
    "prev_market_position": "flat",
}
ENGLISH = {
    "symbol": "BTCUSDT",
    "exchange": "BINANCE",
    "interval": "1h",
    "action": "buylimit",
    "price": 65000.5,
    "stop_loss": "-2%",
    "take_profit": [["50%", "+3%"], ["50%", "+6%"]],
    "percent": "50",
    "user_id": "u",
    "broker_id": "b",
    "bar_time": 1767265200,
    "sent_at": "1767268800000",
    "id": "one",
    "market_position": "long",
    "prev_market_position": "flat",
}
UNDERSTOOD = Signal(
    action=Action.BUY_LIMIT,
    symbol_text="BTCUSDT",
    exchange="BINANCE",
    interval_seconds=3600,
    price=Decimal("65000.5"),
    stop_loss=PriceSpec(Decimal(-2), relative=True),
    take_profit=(
        Target(Decimal(50), PriceSpec(Decimal(3), relative=True)),
        Target(Decimal(50), PriceSpec(Decimal(6), relative=True)),
    ),
    percent=Decimal(50),
    user_id="u",
    broker_id="b",
    bar_time=datetime(2026, 1, 1, 11, tzinfo=UTC),
    sent_at=NOON,
    id="one",
    market_position="long",
    prev_market_position="flat",
)


def of(**fields: Any) -> bytes:
    """A buy of BTCUSDT, with these fields besides or instead."""
    return json.dumps({"symbol": "BTCUSDT", "action": "buy", **fields}).encode()


def only(raw: bytes) -> Signal:
    """The one command of a body that is understood."""
    parsed = parse(raw)
    assert parsed.reason == "", (parsed.reason, parsed.facts)
    assert len(parsed.commands) == 1
    return parsed.commands[0]


def assert_sound(parsed: Parsed) -> None:
    """Either commands or a reason with words in both languages; a row that the columns can hold."""
    assert bool(parsed.commands) != bool(parsed.reason)
    if parsed.reason:
        words = [explain(parsed.reason, parsed.facts, language) for language in ("fr", "en")]
        assert all(not said.startswith(parsed.reason.removeprefix("reason.")) for said in words)
    columns = Webhook.__table__.columns  # type: ignore[attr-defined]  # SQLModel adds it
    for name, value in parsed.row.items():
        if isinstance(value, str):
            assert len(value) <= columns[name].type.length
            value.encode()
            assert "\0" not in value
    for signal in parsed.commands:
        assert 0 < signal.percent <= 100
        assert signal.price is None or signal.price > 0
        assert signal.price or not signal.is_limit


@pytest.mark.parametrize("body", [FRENCH, ENGLISH])
def test_french_and_english_keys_ask_for_the_same(body: dict[str, Any]) -> None:
    parsed = parse(json.dumps(body).encode())

    assert parsed.commands == (UNDERSTOOD,)
    assert parsed.identity == "one"
    assert parsed.has_time


@given(st.lists(st.sampled_from(sorted(FRENCH)), unique=True), st.randoms(use_true_random=False))
def test_any_choice_and_case_of_keys_means_the_same_in_both_languages(chosen: list[str], chance: Any) -> None:
    english = dict(zip(FRENCH, ENGLISH, strict=True))
    in_french = {"".join(chance.choice((c.upper(), c.lower())) for c in name): FRENCH[name] for name in chosen}
    in_english = {english[name]: ENGLISH[english[name]] for name in chosen}

    left, right = parse(json.dumps(in_french).encode()), parse(json.dumps(in_english).encode())

    assert (left.commands, left.reason, left.identity) == (right.commands, right.reason, right.identity)


@pytest.mark.parametrize(
    "written",
    [
        "Symbole=BTCUSDT\nAction=BuyLimit\nPrix=65000,5\nPrixSL=-2%",
        "symbol = BTCUSDT ; action = BuyLimit ; price = 65000.5 ; stop_loss = -2%",
        "\ufeff SYMBOL=\"BTCUSDT\"\r\nAction=buylimit\r\n\r\nPrix=65 000,5\r\nprix_sl=-2 %\r\n",
        '{"Symbol": "BTCUSDT", "Action": "BuyLimit", "Prix": 65000,5, "PrixSL": "-2%"}',
        '\ufeff{“Symbol”: “BTCUSDT”, “Action”: “Buy_Limit”, “Prix”: “65000,5”, “PrixSL”: “-2%”,} \n\n',
        '[{"symbol": "BTCUSDT", "action": "BUY LIMIT", "price": 6.50005e4, "stop_loss": "-2.0%"}]',
        '{"symbol": "BTCUSDT", "SYMBOL": "BTCUSDT", "action": "BuyLimit", "price": "65000.50", "stop_loss": "-2%", "v": 1}',
    ],
)  # fmt: skip
def test_the_form_does_not_matter(written: str) -> None:
    signal = only(written.encode())

    assert (signal.action, signal.symbol_text, signal.price) == (Action.BUY_LIMIT, "BTCUSDT", Decimal("65000.5"))
    assert signal.stop_loss == PriceSpec(Decimal(-2), relative=True)


def test_a_body_in_utf_16_is_read() -> None:
    assert only('{"action": "PING"}'.encode("utf-16")).action is Action.PING


@pytest.mark.parametrize(
    ("word", "action"),
    [
        ("PING", Action.PING),
        ("BuyMarket", Action.BUY_MARKET),
        ("buy", Action.BUY_MARKET),
        ("SellMarket", Action.SELL_MARKET),
        ("sell", Action.SELL_MARKET),
        ("EXIT", Action.SELL_MARKET),
        ("BuyLimit", Action.BUY_LIMIT),
        ("sell-limit", Action.SELL_LIMIT),
        ("MAJ", Action.MOVE),
        ("Update", Action.MOVE),
        ("MISS", Action.MISS),
        ("cancel", Action.CANCEL),
    ],
)
def test_every_word_for_an_action_is_known(word: str, action: Action) -> None:
    signal = only(of(action=word, price="10", stop_loss="9"))

    assert signal.action is action
    assert signal.is_entry == (action in (Action.BUY_MARKET, Action.BUY_LIMIT))
    assert signal.is_exit == (action in (Action.SELL_MARKET, Action.SELL_LIMIT))


@pytest.mark.parametrize(
    ("raw", "reason", "field"),
    [
        (b"", "reason.empty", None),
        (b" \n\0", "reason.empty", None),
        (b"[]", "reason.empty", None),
        (b"hello", "reason.not_understood", None),
        (b"action=PING\nPrixSL 12", "reason.bad_line", None),
        (b'{"action": "PING"', "reason.bad_json", None),
        (b"[" * 50_000, "reason.too_deep", None),
        (b'{"take_profit": ' + b"[" * 50 + b"]" * 50 + b"}", "reason.too_deep", None),
        (b"[1]", "reason.not_a_command", None),
        (b" " * (LARGEST_BODY + 1), "reason.too_large", None),
        (json.dumps([{"action": "PING"}] * (MOST_COMMANDS + 1)).encode(), "reason.too_many_commands", None),
        (b"a=1\n" * 201, "reason.too_many_fields", None),
        (b'{"Prix": 1, "price": 2, "action": "PING"}', "reason.given_twice", "price"),
        (b'{"action": "PING", "action": "buy"}', "reason.given_twice", "action"),
        (b"{}", "reason.missing", "action"),
        (of(action="dance"), "reason.unknown_action", "action"),
        (of(symbol=""), "reason.missing", "symbol"),
        (of(symbol="BINANCE:BTCUSDT.P"), "reason.perpetual", "symbol"),
        (of(symbol="B" * 49), "reason.too_long", "symbol"),
        (of(symbol=["BTCUSDT"]), "reason.not_text", "symbol"),
        (of(symbol="{{ticker}}"), "reason.placeholder", "symbol"),
        (of(price="{{close}}"), "reason.placeholder", "price"),
        (of(price=float("nan")), "reason.nan", "price"),
        (of(stop_loss="NaN"), "reason.nan", "stop_loss"),
        (of(price="Infinity"), "reason.nan", "price"),
        (of(price="cheap"), "reason.not_a_number", "price"),
        (of(price="1.234,5"), "reason.not_a_number", "price"),
        (of(price="٣"), "reason.not_a_number", "price"),
        (of(price="1e30"), "reason.out_of_range", "price"),
        (of(price="1e308"), "reason.out_of_range", "price"),
        (of(price="1e-9999"), "reason.out_of_range", "price"),
        (of(price="1e10000"), "reason.not_a_number", "price"),
        (of(price="1e-19"), "reason.out_of_range", "price"),
        (of(price=0), "reason.not_positive", "price"),
        (of(price=-1), "reason.not_positive", "price"),
        (of(stop_loss="0"), "reason.not_positive", "stop_loss"),
        (of(stop_loss="-100%"), "reason.not_positive", "stop_loss"),
        (of(stop_loss="2%"), "reason.sign_missing", "stop_loss"),
        (of(stop_loss="+2%"), "reason.stop_not_below", "stop_loss"),
        (of(price=10, stop_loss=11), "reason.stop_not_below", "stop_loss"),
        (of(price=10, take_profit=9), "reason.target_not_above", "take_profit"),
        (of(take_profit="-1%"), "reason.target_not_above", "take_profit"),
        (of(take_profit=["+3%"]), "reason.bad_targets", "take_profit"),
        (of(take_profit='[["50%",'), "reason.bad_targets", "take_profit"),
        (of(take_profit=[["60%", "+1%"], ["60%", "+2%"]]), "reason.shares_over_100", "take_profit"),
        (of(take_profit=[["1%", "+1%"]] * 11), "reason.too_many_targets", "take_profit"),
        (of(percent=0), "reason.bad_percent", "percent"),
        (of(percent="101%"), "reason.bad_percent", "percent"),
        (of(action="BuyLimit"), "reason.missing", "price"),
        (of(action="MAJ"), "reason.nothing_to_move", "stop_loss"),
        (of(sent_at="yesterday"), "reason.bad_time", "sent_at"),
        (of(interval="often"), "reason.bad_interval", "interval"),
    ],
)
def test_what_is_wrong_is_named(raw: bytes, reason: str, field: str | None) -> None:
    parsed = parse(raw)

    assert (parsed.reason, parsed.facts.get("field")) == (reason, field)
    assert_sound(parsed)


def test_one_bad_command_of_several_refuses_them_all_and_is_named() -> None:
    parsed = parse(json.dumps([{"action": "sell", "symbol": "BTCUSDT"}, {"action": "buy"}]).encode())

    assert parsed.commands == ()
    assert (parsed.reason, parsed.facts["command"]) == ("reason.missing", 2)


def test_several_commands_keep_their_order() -> None:
    parsed = parse(json.dumps([{"action": "sell", "symbol": "BTCUSDT"}, {"action": "buy", "symbol": "ETHUSDT"}]).encode())

    assert [(one.action, one.symbol_text) for one in parsed.commands] == [
        (Action.SELL_MARKET, "BTCUSDT"),
        (Action.BUY_MARKET, "ETHUSDT"),
    ]


def test_an_exit_is_not_refused_for_a_date_or_an_interval_that_nobody_can_read() -> None:
    signal = only(of(action="sell", sent_at="yesterday", bar_time="{{time}}", interval="often"))

    assert (signal.action, signal.sent_at, signal.interval_seconds) == (Action.SELL_MARKET, None, 0)


def test_placeholders_that_indicators_cannot_fill_do_not_make_an_identity() -> None:
    parsed = parse(of(id="BTCUSDT|{{strategy.order.id}}", market_position="{{strategy.market_position}}"))

    assert parsed.identity is None
    assert parsed.commands[0].market_position == ""


def test_keys_that_nobody_knows_are_told() -> None:
    assert parse(of(stoplos="-2%", v=1)).ignored == ("stoplos", "v")


def test_a_stop_may_move_above_the_entry_but_only_with_its_sign() -> None:
    moved = only(of(action="MAJ", stop_loss="+1%"))

    assert moved.stop_loss is not None
    assert moved.stop_loss.at(Decimal(200)) == Decimal(202)


def test_a_buy_that_closes_a_short_is_told_from_an_entry() -> None:
    assert only(of(market_position="flat")).covers_a_short
    assert not only(of(market_position="long")).covers_a_short


@pytest.mark.parametrize(
    ("text", "seconds", "timeframe"),
    [
        ("1", 60, Timeframe.M1),
        ("5m", 300, Timeframe.M5),
        ("60", 3600, Timeframe.H1),
        ("4H", 14400, Timeframe.H4),
        ("D", 86400, Timeframe.D1),
        ("1W", 604800, Timeframe.W1),
        ("45", 2700, None),
        ("30S", 30, None),
        ("M", 2_592_000, None),
        ("1M", 2_592_000, None),
    ],
)
def test_intervals_are_read_as_tradingview_writes_them(text: str, seconds: int, timeframe: Timeframe | None) -> None:
    signal = only(of(interval=text))

    assert (signal.interval_seconds, signal.timeframe) == (seconds, timeframe)


@pytest.mark.parametrize(
    ("interval", "age", "fresh"),
    [("1", 20, True), ("1", 21, False), ("3", 36, True), ("3", 37, False), ("60", 60, True), ("60", 61, False), ("", 60, True)],
)
def test_an_entry_grows_stale_with_its_interval(interval: str, age: int, fresh: bool) -> None:
    signal = only(of(interval=interval, sent_at=NOON.isoformat()))

    found = staleness(signal, NOON, NOON + timedelta(seconds=age))

    assert (found is None) == fresh
    if found is not None:
        assert found.code == "reason.stale"
        assert found.facts == {"seconds": age, "limit": longest_lag(signal.interval_seconds).total_seconds()}


def test_an_entry_from_the_future_is_refused_beyond_the_tolerance_of_clocks() -> None:
    near, far = (only(of(sent_at=(NOON + timedelta(seconds=ahead)).isoformat())) for ahead in (5, 6))

    assert staleness(near, NOON, NOON) is None
    refused = staleness(far, NOON, NOON)
    assert refused is not None
    assert refused.code == "reason.from_the_future"


def test_without_a_firing_time_the_age_counts_from_the_reception_and_a_limit_may_be_given() -> None:
    signal = only(of())

    assert staleness(signal, NOON, NOON + timedelta(seconds=30)) is None
    assert staleness(signal, NOON, NOON + timedelta(seconds=30), max_lag=timedelta(seconds=29)) is not None


@pytest.mark.parametrize("action", ["sell", "exit", "MAJ", "cancel", "PING"])
def test_exits_and_moved_stops_never_grow_stale(action: str) -> None:
    signal = only(of(action=action, stop_loss="1", sent_at=NOON.isoformat()))

    assert staleness(signal, NOON, NOON + timedelta(days=30)) is None


words = ["BTCUSDT", "buy", "MAJ", "-2%", "+3%", "NaN", "1e400", "{{close}}", "\ud800", "\0"]
texts = st.text(max_size=30) | st.sampled_from(words)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
bodies = st.dictionaries(st.sampled_from([*FRENCH, *ENGLISH, "token"]) | texts, values, max_size=8)


@given(st.binary(max_size=300))
@example(b'"' + b'\\"' * 32_000)
@example(b'{"a":' + b" " * 60_000)
@example(b'{"Prix": ' + b"1" * 60_000 + b"}")
@example(b"{" + b",\n" * 30_000)
@example(b'{"symbol": "\\ud800\\u0000", "action": "\\ud800"}')
def test_no_bytes_whatever_raise(raw: bytes) -> None:
    assert_sound(parse(raw))


@given(bodies | st.lists(bodies, max_size=3) | values)
def test_no_json_whatever_raises(body: Any) -> None:
    assert_sound(parse(json.dumps(body).encode("utf-8", "surrogatepass")))


@given(st.lists(st.tuples(st.sampled_from([*FRENCH, *ENGLISH]), st.text(max_size=20)), max_size=8), st.sampled_from(";\n"))
def test_no_lines_of_keys_and_values_raise(pairs: list[tuple[str, str]], separator: str) -> None:
    assert_sound(parse(separator.join(f"{key}={value}" for key, value in pairs).encode("utf-8", "surrogatepass")))


@given(st.decimals(min_value=Decimal("1e-18"), max_value=Decimal("99999999999999999999"), places=18))
def test_numbers_keep_every_digit_quoted_or_bare_with_point_or_comma(value: Decimal) -> None:
    text = format(value, "f")
    written = (f'"{text}"', text, f'"{text.replace(".", ",")}"', text.replace(".", ","))

    found = {only(f'{{"action": "buy", "symbol": "X", "price": {one}, "percent": 1}}'.encode()).price for one in written}

    assert found == {value}
