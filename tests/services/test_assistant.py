"""The assistant sends what it showed and nothing else, hands the answer on piece by piece, and can be stopped."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import ManualClock
from aristobot.diagnostics import Diagnostic, Severity
from aristobot.errors import AristobotError, Conflict, InvalidInput
from aristobot.indicators.spec import table
from aristobot.language import explain
from aristobot.store import strategies
from aristobot.store.database import Database
from aristobot.store.strategy_tables import Activation, StrategyRow
from aristobot.store.tables import User
from aristobot.store.tenancy import GuardedSession
from aristobot.strategy_catalog import completions
from aristobot.strategy_checks import diagnose
from services.accounts import Accounts
from services.assistant import LONGEST_ANSWER, LONGEST_QUESTION, MOST_KEPT, Assistant
from services.assistant_drafts import Draft, draft_of, spoken
from services.assistant_manual import manual
from services.assistant_prompts import Question, Task, instructions
from services.household import NewUser
from tests.builders import MIDNIGHT, a_broker, a_position
from tests.services.entrance import HAND, accounts_of
from tests.services.oracle import KEY, Oracle, an_oracle

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EXCHANGE_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
CODE = "class S(Strategy):\n    def should_long(self):\n        return self.pirce > 1\n"
MENDED = CODE.replace("pirce", "price")
PIRCE = Diagnostic(3, 15, 3, 25, Severity.ERROR, "lint_unknown_attribute", {"owner": "self", "name": "pirce", "near": "price"})
FIX = Question(Task.FIX, "vite !", CODE, (PIRCE,))


@pytest.fixture
async def oracle() -> AsyncIterator[Oracle]:
    """A provider on this machine that mends the code."""
    async with an_oracle() as running:
        running.words = ("Voilà ", ":\n```py", f"thon\n{MENDED}", "```\n", "C’est tout.")
        yield running


@pytest.fixture
def accounts(db: Database, clock: ManualClock, tmp_path: Path) -> Accounts:
    """The entrance hall."""
    return accounts_of(db, clock, tmp_path)


@pytest.fixture
async def alice(accounts: Accounts, oracle: Oracle) -> User:
    """A user with a provider."""
    form = {"ai_provider": "compatible", "ai_url": oracle.url, "ai_model": "tiny", "ai_key": KEY}
    row = await accounts.household.add_without_password(NewUser("Alice Dupont", ""), HAND)
    return await accounts.profiles.update(row.id, form, HAND)


@pytest.fixture
def assistant(db: Database, accounts: Accounts) -> Assistant:
    """The one to be tried."""
    return Assistant(db, accounts.profiles.ai)


@ON_SQLITE
async def test_what_was_shown_is_what_leaves_letter_by_letter(assistant: Assistant, alice: User, oracle: Oracle) -> None:
    shown = await assistant.preview(alice.id, FIX)
    assert oracle.asked == []  # to look costs nothing
    assert (shown.place.title, shown.place.host, shown.place.model) == ("OpenAI API", f"127.0.0.1:{oracle.port}", "tiny")
    assert "line 3: error: " in shown.material.text
    heard: list[str] = []
    answer = await assistant.answer(alice.id, shown, heard.append)
    assert heard == list(oracle.words)
    assert answer.text == "".join(oracle.words)
    assert answer.draft == Draft(MENDED, whole=True)
    [(method, path, headers, sent)] = oracle.asked
    assert (method, path, sent) == (
        "POST", "/v1/chat/completions", {"model": "tiny", "messages": list(shown.messages), "stream": True},
    )  # fmt: skip
    assert shown.characters == sum(len(one["content"]) for one in sent["messages"])
    assert "alice" not in json.dumps([sent, sorted(headers)]).casefold()


@ON_SQLITE
async def test_neither_keys_nor_balances_nor_names_leave_the_house(
    assistant: Assistant, alice: User, oracle: Oracle, accounts: Accounts, db: Database
) -> None:
    secret, broker = "my-own-secret-pa55phrase", a_broker(alice.id, name="Coffre", api_key_sealed="sealed-exchange-key")
    held = a_position(broker, quantity=Decimal("12.34567"), cost=Decimal("98765.43"))
    await db.write(alice.id, lambda session: session.add_all([broker, held]))
    await accounts.profiles.update(alice.id, {"ai_key": KEY, "timezone": "America/Martinique"}, HAND)
    code = f'{CODE}    KEY = "{EXCHANGE_KEY}"\n    password = "{secret}"\n'
    words = f"Corrige. Ma clé : {KEY}. Alertes : https://maison.example/webhook/abcdef-ghi, moi : alice@example.org"
    shown = await assistant.preview(alice.id, Question(Task.FIX, words, code, (PIRCE,)))
    assert sum(shown.material.kinds.values()) == 5
    oracle.words = ("```python\n" + CODE + '    KEY = "HIDDEN_', '1"\n```')
    answer = await assistant.answer(alice.id, shown, lambda _: None)
    [(_, _, headers, sent)] = oracle.asked
    left = json.dumps(sent)
    hidden: tuple[str, ...] = (
        EXCHANGE_KEY,
        secret,
        KEY,
        "maison.example",
        "alice@",
        "alice",
        "Dupont",
        "Martinique",
        str(alice.id),
        alice.id.hex,
    )
    hidden += ("Coffre", "sealed-exchange-key", "12.34567", "98765", str(broker.id))
    assert [one for one in hidden if one.casefold() in left.casefold()] == []
    assert headers["authorization"] == f"Bearer {KEY}"  # to its own provider, and nowhere else
    assert answer.draft is not None
    assert "HIDDEN_1" not in answer.draft.code  # what was hidden is back


@ON_SQLITE
async def test_why_the_last_run_fell_goes_along_without_a_single_figure(
    assistant: Assistant, alice: User, db: Database, oracle: Oracle, accounts: Accounts
) -> None:
    def work(session: GuardedSession) -> uuid.UUID:
        strategy = StrategyRow(
            user_id=alice.id, name="Secret name", name_key="secret name", created_at=MIDNIGHT, updated_at=MIDNIGHT
        )
        strategies.create(session, strategy)
        version = strategies.add_version(session, strategy, CODE, "", MIDNIGHT)
        broker = a_broker(alice.id)
        facts = {"line": "3", "error": "ValueError: balance 12,345.67 USDT, 0.5 BTC held", "seconds": "77"}
        run: dict[str, Any] = {
            "version_id": version.id,
            "broker_id": broker.id,
            "symbol": "BTC/USDT",
            "timeframe": "1h",
            "vars": {"balance": 12345.67},
        }
        session.add_all(
            [
                broker,
                Activation(
                    user_id=alice.id,
                    **run,
                    reason="strategy_raised",
                    reason_facts=facts,
                    created_at=MIDNIGHT,
                    updated_at=MIDNIGHT,
                ),
            ]
        )
        return strategy.id

    assert await assistant.last_fall(alice.id, uuid.uuid4()) is None
    fell = await assistant.last_fall(alice.id, await db.write(alice.id, work))
    assert str(fell) == "version 1, line 3: The strategy stopped on an error, line 3: ValueError: balance # USDT, # BTC held"
    shown = await assistant.preview(alice.id, Question(Task.FIX, "", CODE, (), fell))
    assert str(fell) in shown.material.text
    for money in ("12,345", "12345", "0.5", "77", "Secret name"):
        assert money not in "".join(message["content"] for message in shown.messages[1:])
    bob = await accounts.household.add_without_password(NewUser("Bob", ""), HAND)
    row = (await db.read(alice.id, lambda session: strategies.mine(session)))[0]
    assert await assistant.last_fall(bob.id, row.id) is None


@ON_SQLITE
async def test_a_stopped_answer_cuts_the_line_and_makes_room(assistant: Assistant, alice: User, oracle: Oracle) -> None:
    oracle.mood = "slow"
    shown = await assistant.preview(alice.id, FIX)
    begun = asyncio.Event()
    asking = asyncio.create_task(assistant.answer(alice.id, shown, lambda _: begun.set()))
    await begun.wait()
    with pytest.raises(Conflict, match="assistant_busy"):
        await assistant.answer(alice.id, shown, lambda _: None)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await oracle.gone.wait()
    oracle.mood = 200
    assert (await assistant.answer(alice.id, shown, lambda _: None)).draft is not None


@ON_SQLITE
async def test_the_last_answers_are_kept_and_the_oldest_go(assistant: Assistant, alice: User, oracle: Oracle) -> None:
    oracle.words = ("ok",)
    shown = await assistant.preview(alice.id, FIX)
    places = [uuid.uuid4() for _ in range(MOST_KEPT + 1)]
    for place in (places[0], *places):
        await assistant.answer(alice.id, shown, lambda _: None, place)
    kept = [place for place in places if assistant.last_answer(alice.id, place)]
    assert kept == places[1:]
    assert assistant.last_answer(uuid.uuid4(), places[-1]) is None


@ON_SQLITE
async def test_another_provider_than_the_one_shown_is_not_asked(
    assistant: Assistant, alice: User, oracle: Oracle, accounts: Accounts
) -> None:
    shown = await assistant.preview(alice.id, FIX)
    async with an_oracle() as elsewhere:
        for form in ({"ai_model": "llama3"}, {"ai_model": "tiny", "ai_url": elsewhere.url}):
            await accounts.profiles.update(alice.id, form, HAND)
            with pytest.raises(Conflict, match="assistant_moved"):
                await assistant.answer(alice.id, shown, lambda _: None)
        assert elsewhere.asked == oracle.asked == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("question", "code"),
    [
        (Question(Task.WRITE, " \n", CODE), "assistant_without_words"),
        (Question(Task.PINE), "assistant_without_words"),
        (Question(Task.EXPLAIN, "warum?"), "assistant_without_code"),
        (Question(Task.FIX, "", "\n"), "assistant_without_code"),
        (Question(Task.WRITE, "x" * LONGEST_QUESTION), "assistant_question_too_long"),
    ],
)
async def test_a_question_that_cannot_be_asked_says_why(assistant: Assistant, alice: User, question: Question, code: str) -> None:
    with pytest.raises(InvalidInput, match=code):
        await assistant.preview(alice.id, question)


@ON_SQLITE
async def test_without_a_provider_nothing_is_shown(assistant: Assistant, accounts: Accounts) -> None:
    bob = await accounts.household.add_without_password(NewUser("Bob", ""), HAND)
    with pytest.raises(InvalidInput) as missing:
        await assistant.preview(bob.id, FIX)
    assert missing.value.field == "ai_provider"


@ON_SQLITE
@pytest.mark.parametrize(
    ("words", "mood", "code"),
    [
        (("<think>hm</think>", " \n"), 200, "assistant_silent"),
        (("word " * 1000,) * (LONGEST_ANSWER // 4000), 200, "assistant_endless"),
        ((), 401, "ai_key_refused"),
        ((), 429, "ai_busy"),
        ((), 503, "ai_down"),
        ((), "html", "ai_not_an_api"),
    ],
)
async def test_every_misfortune_says_what_to_do(
    assistant: Assistant, alice: User, oracle: Oracle, words: tuple[str, ...], mood: Any, code: str
) -> None:
    oracle.words, oracle.mood = words, mood
    shown = await assistant.preview(alice.id, FIX)
    with pytest.raises(AristobotError, match=code) as fault:
        await assistant.answer(alice.id, shown, lambda _: None)
    for language in ("fr", "en"):
        assert "{" not in explain(fault.value, language=language)


# ---------------------------------------------------------------------- what the model is told


@pytest.mark.parametrize("task", Task)
def test_each_task_is_told_in_the_readers_language(task: Task) -> None:
    assert "Answer in French" in instructions(task, "fr")
    assert "Answer in English" in instructions(task, "en")
    assert ("```python block" in instructions(task, "fr")) == task.gives_code


def test_the_manual_names_all_that_an_editor_completes_and_nothing_else() -> None:
    text = manual()
    known = {after: {one.name for one in completions() if one.after == after} for after in ("ta", "utils", "self", "def")}
    hooks = set(re.findall(r"^def (\w+)", text, re.MULTILINE))
    assert hooks <= known["def"]
    assert {"should_long", "should_exit", "stop_loss_price", "hyperparameters", "update_position"} <= hooks
    listed = text[text.index("\nta:") : text.index("\nutils\n")]
    indicators = {line.partition("(")[0] for line in listed.splitlines()[2:] if "(" in line}
    assert indicators <= known["ta"]
    assert {"ema", "rsi", "supertrend", "macd", "atr", "donchian"} <= indicators
    helpers = set(re.findall(r"^(\w+)\(", text[text.index("\nutils\n") : text.index("\nEXAMPLE")], re.MULTILINE))
    assert helpers == known["utils"]
    for name, after in re.findall(r"\b(ta|utils|self)\.([a-z]\w+)", text):
        assert after in known[name] | known["def"] | {"fast", "slow", "name", "buy", "candles"}, (name, after)
    assert len(table()) > len(indicators) > 100
    assert len(text) < 20_000  # a quarter as many tokens: what small models can still hold


def test_the_example_of_the_manual_is_one_that_the_checks_pass() -> None:
    example = manual().partition("EXAMPLE\n```python\n")[2].removesuffix("\n```")
    ast.parse(example)
    assert [one.code for one in diagnose(example)] == []


# ---------------------------------------------------------------------- what comes back


@pytest.mark.parametrize(
    ("answer", "draft"),
    [
        ("No code at all.", None),
        ("```\nclass A(Strategy):\n    pass\n```", Draft("class A(Strategy):\n    pass\n", whole=True)),
        ("```bash\npip install x\n```\n```python\nclass A(Strategy):\n    x = 1\n```", Draft("class A(Strategy):\n    x = 1\n", whole=True)),
        ("```python\nx = 1\n```\nor\n~~~py\nclass B(Strategy):\n    y = '```'\n~~~\n", Draft("class B(Strategy):\n    y = '```'\n", whole=True)),
        ("````python\nclass A(Strategy):\n    '''\n```\n'''\n````", Draft("class A(Strategy):\n    '''\n```\n'''\n", whole=True)),
        ("```python\nclass A(Strategy):\n    def should_lo", Draft("class A(Strategy):\n    def should_lo\n", whole=False)),
        ("```python\na = 1\n```\n```python\na = 1\nb = 2\n```", Draft("a = 1\nb = 2\n", whole=True)),
        ("<think>```python\nclass T(Strategy): ...\n```</think>nothing", None),
        ("```json\n{}\n```", None),
    ],
)  # fmt: skip
def test_the_draft_is_the_strategy_among_the_blocks(answer: str, draft: Draft | None) -> None:
    assert draft_of(answer) == draft


def test_thoughts_are_left_out_even_when_they_never_end() -> None:
    assert spoken("<think>long\nlong</think>\n\nHello") == "Hello"
    assert spoken("<thinking>for ever") == ""
    assert spoken("a <think> b") == "a <think> b"
