"""Our Binance client against CCXT's asynchronous one: CPU per call and orders per second, over TLS on loopback.

    python -m tests.benchmarks.bench_exchange [rounds]

Both speak to the same canned server in another process, in alternating rounds of one run; medians are shown. CPU is the
client's process alone. Ratios carry to other machines, microseconds do not.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from aristobot.clock import SystemClock
from aristobot.exchange import Credentials, Endpoints
from aristobot.market import Timeframe
from aristobot.orders import OrderRequest, OrderType, Side
from services.exchanges.binance import BinanceClient
from services.exchanges.binance_orders import PLACE, order_params
from services.exchanges.binance_sign import Signer

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"
HMAC, ED25519 = Credentials(KEY, SECRET), Credentials(KEY, PEM)
IN_FLIGHT = 16

Call = Callable[[], Awaitable[object]]


@dataclass
class Race:
    """One call of ours against theirs: `calls` per round, `at_once` in flight, and the ratio we want."""

    name: str
    ours: Call
    theirs: Call
    calls: int
    goal: float
    at_once: int = 1


def certificate(folder: Path) -> tuple[str, str]:
    """A certificate of our own for this machine, and its key, as files."""
    key, now = ec.generate_private_key(ec.SECP256R1()), SystemClock().now()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    addresses = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(addresses, critical=False).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    files = str(folder / "certificate.pem"), str(folder / "key.pem")
    Path(files[0]).write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    Path(files[1]).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


async def ccxt_client(rest: str, cafile: str) -> Any:
    """CCXT's client, pointed at the canned server, its markets loaded."""
    ccxt: Any = importlib.import_module("ccxt.async_support")  # half a second and 95 MB: only here

    client = ccxt.binance({
        "apiKey": KEY, "secret": SECRET, "enableRateLimit": False,
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False},
    })  # fmt: skip
    client.cafile = cafile
    client.has["fetchCurrencies"] = False
    for api in client.urls["api"]:
        client.urls["api"][api] = f"{rest}/api/v3"
    await client.load_markets()
    return client


def races(ours: BinanceClient, theirs: Any) -> list[Race]:
    """Everything that is compared."""
    count = iter(range(10**9))

    def request() -> OrderRequest:
        quantity, price = Decimal("0.001"), Decimal(50000)
        return OrderRequest(f"{next(count):032x}", "BTC/USDT", Side.BUY, OrderType.LIMIT, quantity, price=price)

    async def over_rest() -> object:
        return await ours._calls._over_rest(
            PLACE, order_params(request(), "BTCUSDT", 5000), Signer(HMAC), int(time.time_ns() // 10**6)
        )

    def place() -> Awaitable[object]:
        return ours.place_order(ED25519, request())

    def place_hmac() -> Awaitable[object]:
        return ours.place_order(HMAC, request())

    def their_order() -> Awaitable[object]:
        order: Awaitable[object] = theirs.create_order("BTC/USDT", "limit", "buy", 0.001, 50000)
        return order

    return [
        Race("place an order, socket", place, their_order, 200, 3.3),
        Race("place an order, socket, HMAC key", place_hmac, their_order, 200, 3.3),
        Race("place an order, REST", over_rest, their_order, 200, 2.1),
        Race("place, 16 in flight (orders/s)", place, their_order, 480, 6.5, IN_FLIGHT),
        Race("balance, 500 assets", lambda: ours.balances(HMAC), lambda: theirs.fetch_balance(), 40, 10.0),
        Race("ticker", lambda: ours.tickers(["BTC/USDT"]), lambda: theirs.fetch_ticker("BTC/USDT"), 150, 1.5),
        Race("1,000 candles", lambda: ours.candles("BTC/USDT", Timeframe.M1, limit=1000), lambda: theirs.fetch_ohlcv("BTC/USDT", "1m", limit=1000), 30, 1.0),
        Race("catalogue, 1,700 symbols", ours.instruments, lambda: theirs.fetch_markets(), 2, 8.0),
    ]  # fmt: skip


async def run(call: Call, calls: int, at_once: int) -> tuple[float, float]:
    """CPU and wall seconds per call."""
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await call()

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return (time.process_time() - cpu) / calls, (time.perf_counter() - wall) / calls


async def compare(race: Race, rounds: int) -> str:
    """One line of the table."""
    figures: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
    await run(race.ours, 3, 1)
    await run(race.theirs, 3, 1)
    for _ in range(rounds):
        figures["theirs"].append(await run(race.theirs, race.calls, race.at_once))
        figures["ours"].append(await run(race.ours, race.calls, race.at_once))
    cpu, wall = ({who: median(one[column] for one in found) for who, found in figures.items()} for column in (0, 1))
    ratio = (wall if race.at_once > 1 else cpu)["theirs"] / (wall if race.at_once > 1 else cpu)["ours"]
    figures_shown = " ".join(f"{cpu[who] * 1e6:9.0f} {wall[who] * 1e6:9.0f}" for who in ("theirs", "ours"))
    verdict = "reached" if ratio >= race.goal else "MISSED"
    return f"{race.name:34} {figures_shown}   {ratio:5.1f}x  goal {race.goal:4.1f}x  {verdict}"


async def race_all(rounds: int, rest_port: int, socket_port: int) -> None:
    """Race everything against the server on these ports, and print."""
    rest, socket = f"https://127.0.0.1:{rest_port}", f"wss://127.0.0.1:{socket_port}"
    ours = BinanceClient(SystemClock(), Endpoints(rest, socket, f"{socket}/ws-api/v3"))
    ours._calls.link.budget.limit = 10**12
    theirs = await ccxt_client(rest, os.environ["SSL_CERT_FILE"])
    print(
        f"{'us per call':34} {'CCXT cpu':>9} {'wall':>9} {'ours cpu':>9} {'wall':>9}   (ratio of CPU; of orders/s where in flight)"
    )
    try:
        await ours.synchronise()
        for race in races(ours, theirs):
            print(await compare(race, rounds), flush=True)
    finally:
        await theirs.close()
        await ours.close()


def main(rounds: str) -> None:
    """Start the server, and race in a process that trusts its certificate from its first import on."""
    with tempfile.TemporaryDirectory() as folder:
        files = certificate(Path(folder))
        command = [sys.executable, "-m", "tests.benchmarks.canned_exchange", *files]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None
                ports = [str(port) for port in json.loads(server.stdout.readline())]
                racing = [sys.executable, "-m", "tests.benchmarks.bench_exchange", rounds, *ports]
                subprocess.run(racing, env={**os.environ, "SSL_CERT_FILE": files[0]}, check=True)
            finally:
                server.kill()


if __name__ == "__main__":
    if len(sys.argv) == 4:
        asyncio.run(race_all(*(int(argument) for argument in sys.argv[1:])))
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else "7")
