"""Whether each exchange can be reached from here, and whether its clock agrees with ours."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from aristobot.clock import Clock, SystemClock
from aristobot.errors import ConfigurationError, ExchangeError
from aristobot.exchange import ClientFactory, Endpoints
from aristobot.language import _, explain
from aristobot.settings import Settings
from services.commands.finding import Finding
from services.exchanges import discover
from services.exchanges.admission import refuse_strangers

_PATIENCE = 15.0
#: Beyond this an exchange refuses signed requests of a client that does not allow for it.
_LARGEST_OFFSET_MS = 1000


async def exchange_findings(settings: Settings) -> list[Finding]:
    """Every exchange that is spoken to, side by side; and addresses that are heeded by none of them."""
    clock, clients = SystemClock(), discover()
    checks = [_exchange(make, settings, clock) for make in clients.values()]
    found = [finding for found in await asyncio.gather(*checks) for finding in found]
    try:
        refuse_strangers(settings.exchange_urls, clients)
    except ConfigurationError as error:
        found.append(Finding("exchanges.addresses", "failed", explain(error)))
    return found


async def _exchange(make: ClientFactory, settings: Settings, clock: Clock) -> list[Finding]:
    """Can it be reached, and does its clock agree with ours?"""
    official, ours = make.endpoints, settings.exchange_urls.get(make.name, {})
    parts = {part: ours.get(part, getattr(official, part)) for part in ("rest", "stream", "trading")}
    client = make(clock, Endpoints(**parts))
    try:
        before = clock.now()
        async with asyncio.timeout(_PATIENCE):
            theirs = await client.server_time()
        offset = (theirs - (before + (clock.now() - before) / 2)) // timedelta(milliseconds=1)
    except (ExchangeError, TimeoutError) as error:
        detail = explain(error) if isinstance(error, ExchangeError) else _("no answer")
        cure = _("Check the internet connection, the firewall, and the addresses in the settings.")
        return [Finding(f"{make.name}.reachable", "failed", detail, cure)]
    finally:
        await client.close()
    reachable = Finding(f"{make.name}.reachable", "ok", parts["rest"])
    detail = _("{offset} ms", offset=offset)
    if abs(offset) < _LARGEST_OFFSET_MS:
        return [reachable, Finding(f"{make.name}.clock", "ok", detail)]
    cure = _("Let this machine set its clock by the network (NTP).")
    return [reachable, Finding(f"{make.name}.clock", "warning", detail, cure)]
