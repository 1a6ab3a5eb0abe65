"""The palette: pages, symbols and actions, found by a few letters, for this user alone."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from nicegui.testing import User

from aristobot.events import UserChanged
from aristobot.kinds import HaltLevel, HaltScope, Role
from aristobot.store import users
from aristobot.store.tenancy import SYSTEM
from components.palette import Palette
from components.palette_commands import Command
from components.palette_order import ordered, plain
from components.shortcuts import Shortcuts
from services.app import App
from tests.builders import an_instrument, list_instruments
from tests.pages.test_log import TRACE
from tests.pages.visitors import a_known_broker, a_resident, come_in, until


def a_command(label: str, also: str = "") -> Command:
    """A command that does nothing."""
    return Command(label, "star", label, "Action", lambda: None, also)


def the_palette(screen: User) -> Palette:
    """The palette of the page."""
    assert screen.client is not None
    return next(one for one in screen.client.elements.values() if isinstance(one, Palette))


async def ask(screen: User, text: str, *recent: str) -> list[str]:
    """What is offered for a few letters."""
    the_palette(screen).found = []
    screen.find(Palette).trigger("ask", {"text": text, "recent": list(recent)})
    await until(lambda: the_palette(screen).found or text == "nothing at all")
    return [one.label for one in the_palette(screen).found]


def choose(screen: User, command: str) -> None:
    """Press Enter on this one."""
    screen.find(Palette).trigger("choose", {"id": command})


def found(labels: list[str], text: str, *recent: str) -> list[str]:
    """The order in which these are offered."""
    return [one.label for one in ordered([a_command(label) for label in labels], text, recent)]


def test_accents_case_and_missing_letters_do_not_hinder() -> None:
    assert plain("  Échange\u00a0: À  L’HEURE ") == "echange : a l'heure"
    pages = ["Stratégies", "Statistiques", "Trading manuel", "Compte"]
    assert found(pages, "strategies") == ["Stratégies"]
    assert found(pages, "STA")[0] == "Statistiques"
    assert found(pages, "manuel trad") == ["Trading manuel"]
    assert found(pages, "tdm") == ["Trading manuel"]
    assert found(pages, "xyz") == []


def test_the_beginning_counts_more_than_the_middle_and_what_was_used_lately_more_than_its_like() -> None:
    assert found(["Arrêter tout", "Tout arrêter", "Pour tout dire"], "tout") == ["Tout arrêter", "Arrêter tout", "Pour tout dire"]
    assert found(["BTC/EUR", "BTC/USDC", "BTC/USDT"], "btc", "BTC/USDT") == ["BTC/USDT", "BTC/EUR", "BTC/USDC"]
    assert found(["a", "b", "c"], "", "c", "b") == ["c", "b", "a"]


WORDS = st.text("aéB x/’", max_size=6)


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS, max_size=6, unique=True), WORDS, st.lists(WORDS, max_size=3))
def test_nothing_is_offered_twice_and_nothing_is_invented(labels: list[str], text: str, recent: list[str]) -> None:
    offered = found(labels, text, *recent)
    assert len(offered) == len(set(offered))
    assert set(offered) <= set(labels)
    if not text.strip():
        assert len(offered) == len(labels)


async def test_pages_and_actions_are_there_at_once_and_lead_where_they_say(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice, name="Principal")
    await come_in(screen, app, alice)
    await screen.open("/statistics")
    offered = await ask(screen, "")
    assert offered[0] == "Webhooks"
    assert {"Journal", "Arrêter tout", "Langue\u00a0: English", "Tester la connexion\u00a0: Principal", "Se déconnecter"} <= set(
        offered
    )
    assert (await ask(screen, "", "page:/log"))[0] == "Journal"
    assert (await ask(screen, "jour"))[0] == "Journal"
    choose(screen, "page:/log")
    await screen.should_see("Ce que dit chaque service")


async def test_symbols_of_the_users_exchanges_lead_to_the_trading_page(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    listed = [an_instrument("BTC/USDT"), an_instrument("ETH/BTC"), an_instrument("BTC/EUR")]
    await app.db.write(SYSTEM, lambda s: list_instruments(s, "binance", listed, app.clock.now()))
    await come_in(screen, app, alice)
    await screen.open("/statistics")
    await app.catalog.instrument("binance", "BTC/USDT")  # the catalogue is in memory from then on
    assert await ask(screen, "btc") == ["BTC/EUR", "BTC/USDT", "ETH/BTC"]
    assert await ask(screen, "btcusdt") == ["BTC/USDT"]
    assert (await ask(screen, "", "symbol:binance:ETH/BTC", "symbol:nowhere:X/Y", "symbol:"))[0] == "ETH/BTC"


async def test_what_was_listed_a_letter_ago_may_still_be_clicked(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/statistics")
    assert "Journal" in await ask(screen, "jour")
    palette = the_palette(screen)
    screen.find(Palette).trigger("ask", {"text": "journx", "recent": []})
    await until(lambda: not palette.found)
    choose(screen, "page:/log")
    await screen.should_see("Ce que dit chaque service")


async def test_letters_typed_fast_are_answered_by_the_last_of_them(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await a_known_broker(app, alice)
    listed = [an_instrument("BTC/USDT"), an_instrument("ETH/USDT")]
    await app.db.write(SYSTEM, lambda s: list_instruments(s, "binance", listed, app.clock.now()))
    await come_in(screen, app, alice)
    await screen.open("/statistics")
    await app.catalog.instrument("binance", "BTC/USDT")  # the catalogue is in memory from then on
    palette = the_palette(screen)
    for text in ("", "b", "bt", "e", "et", "eth", "ethu", "ethus"):
        screen.find(Palette).trigger("ask", {"text": text, "recent": []})
    assert await ask(screen, "ethusdt") == ["ETH/USDT"]
    await until(lambda: not [task for task in asyncio.all_tasks() if "Palette._ask" in str(task.get_coro())])
    assert [one.label for one in palette.found] == ["ETH/USDT"]


async def test_who_only_looks_cannot_stop_the_trading_of_others_and_sees_no_foreign_broker(screen: User, app: App) -> None:
    alice, bob = await a_resident(app), await a_resident(app, name="bob", role=Role.VIEWER)
    await a_known_broker(app, alice, name="Principal")
    await come_in(screen, app, bob)
    await screen.open("/statistics")
    offered = await ask(screen, "")
    assert "Arrêter tout" not in offered
    assert not [label for label in offered if "Principal" in label]


async def test_the_switch_is_called_by_what_it_would_do(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await app.kill_switch.set(HaltScope.USER, alice.id, HaltLevel.HALT, by="alice")
    await come_in(screen, app, alice)
    await screen.open("/statistics")
    assert "Reprendre le trading" in await ask(screen, "urgence")


async def test_a_pasted_trace_opens_the_path_and_the_language_changes(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    await screen.open("/statistics")
    assert await ask(screen, f" {TRACE.upper()}") == [f"Parcours de l’alerte {TRACE}"]
    choose(screen, f"trace:{TRACE}")
    await screen.should_see("Aucune de vos alertes ne porte cette trace")
    await ask(screen, "english")
    choose(screen, "action:language")

    changed: list[UserChanged] = []
    app.bus.listen(UserChanged, do=changed.append)
    await until(lambda: changed)
    assert (await app.db.read(SYSTEM, lambda s: users.get(s, alice.id))).language == "en"


async def test_the_keys_of_a_page_are_listed(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/log")
    await screen.should_see("Ce que dit chaque service")
    screen.find(Shortcuts).trigger("pressed", {"key": "?"})
    await screen.should_see("Clavier")
    await screen.should_see("Mettre en pause ou reprendre")
    await screen.should_see("Rechercher dans le journal")
