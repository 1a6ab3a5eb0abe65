"""Whatever the builder can write, the house understands as exactly what was chosen; what it cannot understand is said before."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.alert_remarks import Tone, read_back
from aristobot.alert_text import (
    BUILDABLE,
    CLOSE,
    AlertChoice,
    Filled,
    Level,
    Sender,
    WantedTarget,
    fill,
    harmless,
    level_of,
    likely_price,
    message,
    plot_named,
    understood,
)
from aristobot.errors import InvalidInput
from aristobot.money import HUNDRED
from aristobot.pine_text import pine
from aristobot.signals import Action, PriceSpec, Signal, Target, parse

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PRICE = Decimal(1000)
SYMBOLS = ("", "BTCUSDT", "BTC/USDT", "BINANCE:ETHEUR", "XBT'USD\\")


def amounts(least: str, most: str, places: int = 4) -> st.SearchStrategy[Decimal]:
    """Decimals between two bounds."""
    return st.decimals(Decimal(least), Decimal(most), allow_nan=False, places=places)


def distances(least: str, most: str) -> st.SearchStrategy[Level]:
    return amounts(least, most).map(lambda value: PriceSpec(value, relative=True))


def prices(least: str, most: str) -> st.SearchStrategy[Level]:
    return amounts(least, most).map(PriceSpec)


PLOTS: st.SearchStrategy[Level] = st.sampled_from(
    [plot_named(name, "x") for name in ("Stop", "Mon stop é", "{{plot_7}}", "a(b)|c")]
)
STOPS = st.one_of(st.none(), distances("-99", "-0.0001"), prices("0.0001", "999"), PLOTS)
LEVELS = st.one_of(distances("0.0001", "500"), prices("1001", "99999999"), PLOTS)


@st.composite
def several_targets(draw: st.DrawFn) -> tuple[WantedTarget, ...]:
    """None to ten, whose shares are 100 per cent at most."""
    parts = draw(st.lists(st.integers(1, 50), max_size=10))
    whole = max(100, sum(parts))
    return tuple(WantedTarget(Decimal(part * 10_000 // whole) / 100, draw(LEVELS)) for part in parts)


CHOICES = st.builds(
    AlertChoice,
    action=st.sampled_from(BUILDABLE),
    sender=st.sampled_from(Sender),
    symbol=st.sampled_from(SYMBOLS),
    percent=amounts("0.0001", "100"),
    price=st.one_of(st.none(), st.just(CLOSE), st.just(PriceSpec(PRICE)), PLOTS),
    stop=STOPS,
    targets=several_targets(),
).filter(lambda one: one.action is not Action.MOVE or one.is_strategy or bool(one.stop or one.targets))


def meant(level: Level, side: str) -> PriceSpec:
    """A level once TradingView has filled it in at PRICE."""
    if isinstance(level, PriceSpec):
        return level
    return PriceSpec(PRICE * {"stop": Decimal("0.98"), "target": Decimal("1.03")}[side])


def expected(choice: AlertChoice, action: Action) -> Signal:
    """The command that the choice means when it fires at noon, at PRICE, on BTCUSDT of one hour."""
    exits = choice.is_strategy or action in (Action.BUY_MARKET, Action.BUY_LIMIT, Action.MOVE)
    sized = choice.is_strategy or action not in (Action.MOVE, Action.CANCEL, Action.PING)
    named = choice.is_strategy or action is not Action.PING
    return Signal(
        action=action,
        symbol_text=(choice.symbol or "BTCUSDT") if named else "",
        exchange="BINANCE" if named else "",
        interval_seconds=3600,
        price=PRICE if named else None,
        stop_loss=meant(choice.stop, "stop") if exits and choice.stop else None,
        take_profit=tuple(Target(one.share, meant(one.level, "target")) for one in choice.targets) if exits else (),
        percent=choice.percent if sized else HUNDRED,
        bar_time=NOON,
        sent_at=NOON,
        market_position="long" if choice.is_strategy else "",
        prev_market_position="flat" if choice.is_strategy else "",
    )


@given(CHOICES, st.booleans())
def test_every_message_that_can_be_built_means_exactly_what_was_chosen(choice: AlertChoice, compact: bool) -> None:
    parsed = understood(message(choice, compact=compact), NOON, close=PRICE)
    assert not parsed.reason
    assert not parsed.ignored
    assert parsed.has_time
    assert parsed.identity
    (command,) = parsed.commands
    action = Action.BUY_MARKET if choice.is_strategy else choice.action
    assert msgspec.structs.replace(command, id="") == expected(choice, action)


PINE = re.compile(r"'((?:[^'\\]|\\.)*)'|\(([^()]*\?[^()]*)\)|(str\.\w+\((?:[^()\"]|\"[^\"]*\")*\)|[\w.]+)")


def as_pine_says(expression: str, choice: AlertChoice) -> str:
    """What Pine would put together: its strings as they are, its values as on the chart of the other test."""
    values = {"syminfo.ticker": "BTCUSDT", "syminfo.prefix": "BINANCE", "timeframe.period": "60", "str.tostring(close)": "1000"}

    def value(found: re.Match[str]) -> str:
        if found[1] is not None:
            return re.sub(r"\\(.)", r"\1", found[1])
        text = found[2] or found[3]
        if text.startswith("str.format_time"):
            return "2026-01-01T12:00:00Z"
        if text.startswith("str.tostring(stop_level"):
            return "980"
        if text.startswith("str.tostring(target"):
            return "1030"
        if "position_size" in text:
            return "flat"
        return values.get(text, "1000" if "level" in text else "Long")

    return "".join(value(found) for found in PINE.finditer(expression))


def usable_in_pine(choice: AlertChoice) -> bool:
    """Each plot stands for one level: the test gives every level its own price."""
    levels = [choice.price, choice.stop, *(one.level for one in choice.targets)]
    plots = [one for one in levels if isinstance(one, Filled) and one != CLOSE]
    return len(plots) == len(set(plots))


@given(CHOICES.filter(usable_in_pine))
def test_a_pine_script_says_the_same_as_the_message(choice: AlertChoice) -> None:
    script = pine(choice)
    if choice.is_strategy:
        said = re.search(r"bought\(name\) =>\n    (.*)", script)
    else:
        said = re.search(r"    alert\((.*), alert\.freq_once_per_bar_close\)", script)
        shown = re.search(r"alertcondition\(ready, \"\w+\", '(.*)'\)", script)
        assert shown
        assert re.sub(r"\\(.)", r"\1", shown[1]) == message(choice, compact=True)
    assert said
    (command,) = parse(as_pine_says(said[1], choice).encode()).commands
    wanted = expected(choice, Action.BUY_MARKET if choice.is_strategy else choice.action)
    if choice.is_strategy:
        wanted = msgspec.structs.replace(wanted, sent_at=None)
    assert msgspec.structs.replace(command, id="") == wanted


def test_a_strategys_sale_in_pine_sells_everything_and_waits_for_no_level() -> None:
    choice = AlertChoice(sender=Sender.STRATEGY, percent=Decimal(30), stop=plot_named("Stop", "stop"))
    script = pine(choice)
    sold = re.search(r"sold\(name\) =>\n    (.*)", script)
    assert sold
    (command,) = parse(as_pine_says(sold[1], choice).encode()).commands
    assert (command.action, command.percent, command.stop_loss) == (Action.SELL_MARKET, HUNDRED, None)
    assert "not na(stop_level)" in script.split("enters and")[1].splitlines()[0]


@given(CHOICES)
def test_a_built_message_is_read_back_without_a_fault(choice: AlertChoice) -> None:
    likely = dataclasses.replace(choice, price=None)
    reading = read_back(message(likely), likely, NOON)
    assert [one.code for one in reading.remarks if one.tone is Tone.BAD] in (
        [],
        ["reason.stop_not_below"],
        ["reason.target_not_above"],
    )


@given(CHOICES)
def test_a_test_never_trades(choice: AlertChoice) -> None:
    (command,) = parse(harmless(message(choice), NOON, close=likely_price(choice), identity="test-1").encode()).commands
    assert (command.action, command.id) == (Action.PING, "test-1")


def test_what_is_no_message_is_not_sent_as_a_test() -> None:
    with pytest.raises(InvalidInput, match="not_an_alert"):
        harmless("buy bitcoin", NOON, close=PRICE, identity="x")


@pytest.mark.parametrize(
    ("typed", "level"),
    [
        ("", None),
        ("  ", None),
        ("-2%", PriceSpec(Decimal(-2), True)),
        ("+3,5 %", PriceSpec(Decimal("3.5"), True)),
        ("65000", PriceSpec(Decimal(65000))),
        ("{{close}}", CLOSE),
        ("close", CLOSE),
        ("Stop", Filled('plot("Stop")')),
        ('{{plot("Stop")}}', Filled('plot("Stop")')),
        ("plot_3", Filled("plot_3")),
    ],
)
def test_a_level_is_read_as_people_type_it(typed: str, level: Level | None) -> None:
    assert level_of(typed, "stop") == level


@pytest.mark.parametrize("typed", ["12x", "-", "5 %%", 'a"b', "{x}", "a\\b", "-1e99%", "it's"])
def test_a_level_that_nobody_can_read_names_its_field(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        level_of(typed, "stop")
    assert refused.value.field == "stop"


@pytest.mark.parametrize(
    ("text", "code", "tone"),
    [
        ('{"action":"buy","symbol":{{ticker}}}', "reason.alert_unquoted", Tone.BAD),
        ('{"action":"buy","symbol":"BTCUSDT","stop_loss":{{plot("Stop")}}}', "reason.alert_unquoted", Tone.BAD),
        ('{"action":"buy","symbol":"BTCUSDT","stop_loss":"{{plot("Stop")}}"}', "reason.alert_may_be_nan", Tone.WARN),
        ('{"action":"buy","symbol":"{{tikcer}}"}', "reason.alert_unknown_placeholder", Tone.BAD),
        ('{"action":"{{strategy.order.action}}","symbol":"BTCUSDT"}', "reason.alert_strategy_only", Tone.BAD),
        ('{"action":"buy","symbol":"BTCUSDT.P"}', "reason.perpetual", Tone.BAD),
        ('{"action":"buy","symbol":"{{ticker}}"}', "reason.alert_perpetual_chart", Tone.INFO),
        ('{"action":"buy","symbol":"BTCUSDT"}', "reason.alert_no_stop", Tone.WARN),
        ('{"action":"buy","symbol":"BTCUSDT"}', "reason.alert_no_time", Tone.WARN),
        ('{"action":"buy","symbol":"BTCUSDT"}', "reason.alert_age", Tone.INFO),
        ('{"action":"buy","symbol":"BTCUSDT","stop":"-2%"}', "reason.alert_ignored", Tone.WARN),
        ('{"action":"buy","symbol":"BTCUSDT","stop_loss":"+2%"}', "reason.stop_not_below", Tone.BAD),
        ('{"action":"buy","symbol":"BTCUSDT","take_profit":[["40%","+2%"]]}', "reason.alert_shares_left", Tone.INFO),
        ("buy bitcoin", "reason.not_understood", Tone.BAD),
    ],
)
def test_what_is_wrong_with_a_message_is_said_before_it_is_used(text: str, code: str, tone: Tone) -> None:
    reading = read_back(text, AlertChoice(), NOON)
    assert (code, tone) in [(one.code, one.tone) for one in reading.remarks]
    assert reading.works is not any(one.tone is Tone.BAD for one in reading.remarks)


def test_a_strategy_that_sells_only_a_part_is_warned_of() -> None:
    choice = AlertChoice(sender=Sender.STRATEGY, percent=Decimal(50))
    reading = read_back(message(choice), choice, NOON)
    assert [one.commands[0].action for one in reading.parsed] == [Action.BUY_MARKET, Action.SELL_MARKET]
    assert "reason.alert_sells_part" in [one.code for one in reading.remarks]
    assert reading.works


def test_a_stop_above_the_target_is_found() -> None:
    targets = (WantedTarget(HUNDRED, PriceSpec(Decimal(90))),)
    choice = AlertChoice(stop=PriceSpec(Decimal(110)), targets=targets)
    assert not read_back(message(choice), choice, NOON).works


def test_what_tradingview_does_not_know_stays_as_it_was_typed() -> None:
    assert fill("{{ticker}} {{nobody}} {{ close }}", NOON, close=PRICE) == "BTCUSDT {{nobody}} 1000"
