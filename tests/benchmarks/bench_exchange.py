"""Our exchange clients against CCXT's asynchronous ones: CPU per call, over TLS on loopback.

    python -m tests.benchmarks.bench_exchange [rounds] [exchange ...]

Both speak to the same canned server in another process, on the loop that the house runs on, in alternating rounds of one
run; medians are shown. CPU is the client's process alone. Ratios carry to other machines, microseconds do not.
"""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from aristobot.clock import SystemClock
from tests.benchmarks.exchange_races import Call, Race, meeting

EXCHANGES = ("binance", "kraken", "bitget")


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
    ratio = cpu["theirs"] / cpu["ours"]
    figures_shown = " ".join(f"{cpu[who] * 1e6:9.0f} {wall[who] * 1e6:9.0f}" for who in ("theirs", "ours"))
    verdict = "reached" if ratio >= race.goal else "MISSED"
    return f"{race.name:34} {figures_shown}   {ratio:5.1f}x  goal {race.goal:4.1f}x  {verdict}"


async def race_all(exchange: str, rounds: int, rest_port: int, socket_port: int) -> None:
    """Race everything against the server on these ports, and print."""
    rest, socket = f"https://127.0.0.1:{rest_port}", f"wss://127.0.0.1:{socket_port}"
    met = await meeting(exchange, rest, socket, os.environ["SSL_CERT_FILE"])
    gc.collect()
    gc.freeze()  # as the house does once it is open; else either side pays for what the other has loaded
    print(f"{exchange + ', us per call':34} {'CCXT cpu':>9} {'wall':>9} {'ours cpu':>9} {'wall':>9}   (ratio of CPU)")
    try:
        for race in met.races:
            print(await compare(race, rounds), flush=True)
    finally:
        await met.close()


@contextmanager
def serving(files: Sequence[str], exchange: str) -> Iterator[list[str]]:
    """The ports of the canned server, which runs in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.canned_exchange", exchange, *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            yield [str(port) for port in json.loads(server.stdout.readline())]
        finally:
            server.kill()


def main(rounds: str, exchanges: Sequence[str]) -> None:
    """Race exchange by exchange, in a process that trusts the server's certificate from its first import on."""
    with tempfile.TemporaryDirectory() as folder:
        files = certificate(Path(folder))
        environment = {**os.environ, "SSL_CERT_FILE": files[0]}
        for exchange in exchanges:
            racing = [sys.executable, "-m", "tests.benchmarks.bench_exchange", "--race", exchange, rounds]
            with serving(files, exchange) as ports:
                subprocess.run([*racing, *ports], env=environment, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--race"]:
        with asyncio.Runner(loop_factory=uvicorn.Config("", loop="auto").get_loop_factory()) as runner:
            runner.run(race_all(sys.argv[2], *(int(argument) for argument in sys.argv[3:])))
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else "7", sys.argv[2:] or EXCHANGES)
