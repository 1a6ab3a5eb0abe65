"""Whatever a strategy does, its process alone falls, and one sentence says why. Real processes; the kernel's walls need Linux."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import SystemClock
from aristobot.errors import StrategyError
from aristobot.language import catalogue, explain
from services.sandbox.frames import ANSWER, LOG, PROGRESS, frame
from services.sandbox.walls import IsolationLevel, Wall
from services.sandbox.watchdog import watch_memory
from services.strategy_process import Limits, StrategyProcess

PLAIN, NUMPY, NAKED = "tests.services.plain_job", "tests.services.numpy_job", "tests.services.naked_job"
#: Short, so that the tests are; much time by the clock, so that a busy machine does not change what falls.
SHORT = Limits(wall_seconds=20, cpu_seconds=0.3, memory_mb=256)
#: For what fills the memory: on a crowded machine that alone takes longer than such a strategy may compute.
LONG = Limits(wall_seconds=60, cpu_seconds=20, memory_mb=256)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's walls are Linux's")


def a_strategy(body: str, head: str = "") -> str:
    """A text whose class answers with this body."""
    return (
        f"{head}\nclass S(Base):\n    def answer(self, request, progress):\n{textwrap.indent(textwrap.dedent(body), ' ' * 8)}\n"
    )


async def falls(text: str, job: str = PLAIN, limits: Limits = SHORT) -> StrategyError:
    """The error of a strategy that must not get through one request."""
    with pytest.raises(StrategyError) as fallen:
        await _through(job, text, limits)
    sentence = explain(fallen.value, language="en")
    assert sentence.count(". ") <= 1
    assert not sentence.startswith(fallen.value.code)
    return fallen.value


async def _through(job: str, text: str, limits: Limits) -> None:
    process = await StrategyProcess.start(NUMPY if "numpy" in text else job, text, limits)
    try:
        await process.ask({})
    finally:
        await process.close()


@pytest.fixture
async def naked() -> AsyncIterator[Callable[[str], Any]]:
    """Asks one process, past Python's guard rails, what a call of the C library answers: the result and the error."""
    text = a_strategy("result = eval_(request['call'])\nreturn [result, errno()]", "eval_ = lambda text: calls[text]()\n" + CALLS)
    process = await StrategyProcess.start(NAKED, text, SHORT)

    async def call(name: str) -> Any:
        return (await process.ask({"call": name})).value

    yield call
    await process.close()


CALLS = """
S_ = b"/etc/passwd"
calls = {
    "read a file": lambda: c["open"](S_, 0),
    "read the parent's environment": lambda: c["open"](b"/proc/%d/environ" % c["getppid"](), 0),
    "read the parent's memory": lambda: c["open"](b"/proc/%d/mem" % c["getppid"](), 0),
    "read the parent's memory by call": lambda: c["process_vm_readv"](c["getppid"](), None, 0, None, 0, 0),
    "write a file": lambda: c["creat"](b"/tmp/aristobot-escaped", 0o600),
    "write under the data folder": lambda: c["open"](b"/tmp/x", 0o101, 0o600),
    "remove a file": lambda: c["unlink"](b"/tmp/aristobot-there"),
    "rename a file": lambda: c["rename"](b"/tmp/aristobot-there", b"/tmp/aristobot-escaped"),
    "link a file": lambda: c["link"](b"/tmp/aristobot-there", b"/tmp/aristobot-escaped"),
    "cut a file short": lambda: c["truncate"](b"/tmp/aristobot-there", 0),
    "change rights": lambda: c["chmod"](b"/tmp", 0o777),
    "make a folder": lambda: c["mkdir"](b"/tmp/aristobot-escaped", 0o700),
    "open a socket": lambda: c["socket"](2, 1, 0),
    "open a local socket": lambda: c["socket"](1, 1, 0),
    "open a raw socket": lambda: c["socket"](17, 3, 0),
    "fork": lambda: c["fork"](),
    "fork another way": lambda: c["vfork"](),
    "clone by number": lambda: c["syscall"](56, 17, 0, 0, 0, 0),
    "start a program": lambda: c["execv"](b"/bin/true", None),
    "end the parent": lambda: c["kill"](c["getppid"](), 15),
    "end everybody": lambda: c["kill"](-1, 9),
    "trace itself": lambda: c["ptrace"](0, 0, 0, 0),
    "trace the parent": lambda: c["ptrace"](16, c["getppid"](), 0, 0),
    "another descriptor": lambda: c["dup"](1),
    "memory as a file": lambda: c["memfd_create"](b"x", 0),
    "shared memory": lambda: c["shmget"](0, 4096, 0o1600),
    "watch files": lambda: c["inotify_init"](),
    "a pipe": lambda: c["pipe"](None),
    "a session of its own": lambda: c["setsid"](),
    "a name space of its own": lambda: c["unshare"](0x10000000),
    "be root again": lambda: c["setuid"](0),
    "other limits": lambda: c["setrlimit"](7, b"\\xff" * 16),
    "an alarm that wakes it later": lambda: c["setitimer"](0, None, None),
    "an alarm of its own time": lambda: c["setitimer"](1, None, None),
    "io_uring": lambda: c["syscall"](425, 1, 0),
    "a key ring": lambda: c["syscall"](250, 0, 0, 0, 0, 0),
    "another process's descriptors": lambda: c["syscall"](438, 3, 0, 0),
    "a call of the other table": lambda: c["syscall"](0x40000000 + 41, 2, 1, 0),
}
"""
ESCAPES = [line.split('"')[1] for line in CALLS.splitlines() if line.startswith('    "')]


@linux
async def test_past_python_the_kernel_refuses_every_way_out(naked: Callable[[str], Any]) -> None:
    answers = {name: await naked(name) for name in ESCAPES}

    assert {name: result for name, (result, _) in answers.items() if result != -1} == {}
    assert {error for _, error in answers.values()} <= {1, 2, 13, 24, 38}
    assert len(ESCAPES) >= 38


@linux
async def test_the_process_says_which_walls_it_found_standing() -> None:
    process = await StrategyProcess.start(PLAIN, a_strategy("return 1"), SHORT)
    await process.close()

    assert process.isolation.level is IsolationLevel.SEALED
    assert set(process.isolation.walls) >= set(Wall) - {Wall.JOB_OBJECT, Wall.NO_FILES}
    for language in ("fr", "en"):  # and they can be told
        assert {f"reason.{one.value}" for one in (*Wall, *IsolationLevel)} <= catalogue(language).keys()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("while True: pass", "strategy_too_busy"),
        ("sum(range(10**12))", "strategy_too_busy"),
        ("while True:\n    try:\n        while True: x = 1\n    except BaseException: pass", "strategy_too_busy"),
        ("for _ in range(10**9): print('x' * 1000)", "strategy_too_busy"),
        ("'a' * (2 * 10**9)", "strategy_out_of_memory"),
        ("x = [1]\nwhile True: x = x + x", "strategy_out_of_memory"),
        ("import numpy; numpy.ones((50_000, 50_000))", "strategy_out_of_memory"),
        ("return 'x' * 100_000", "strategy_answer_too_large"),
        ("return float('nan')", "strategy_not_a_number"),
        ("return {'buy': [float('inf'), 1]}", "strategy_not_a_number"),
        ("return {1, 2}", "strategy_raised"),
        ("return 1 / 0", "strategy_raised"),
        ("raise SystemExit(3)", "strategy_raised"),
        ("raise KeyboardInterrupt", "strategy_raised"),
        ("def again(): again()\nagain()", "strategy_raised"),
        ("class Bad(Exception):\n    def __str__(self): raise Bad\nraise Bad", "strategy_raised"),
        ("import os", "strategy_raised"),
        ("import socket", "strategy_raised"),
        ("import aristobot.vault", "strategy_raised"),
        ("open('/etc/passwd')", "strategy_raised"),
        ("import statistics; statistics.sys.modules['os'].listdir('/')", "strategy_forbidden"),
        ("import statistics; statistics.sys.modules['posix'].open('/etc/passwd', 0)", "strategy_forbidden"),
        ("import statistics; statistics.sys.modules['posix'].fork()", "strategy_forbidden"),
        ("import statistics; statistics.sys.modules['posix']._exit(0)", "strategy_ended"),
        ("import statistics; statistics.sys.modules['posix'].abort()", "strategy_crashed"),
        ("import statistics; statistics.sys.modules['posix'].write(4, b'garbage' * 100); return 1", "strategy_answer_too_large"),
    ],
)
async def test_what_a_strategy_does_is_contained_and_named(body: str, code: str) -> None:
    limits = LONG if code == "strategy_out_of_memory" else SHORT
    assert (await falls(a_strategy(body), limits=limits)).code == code


def forged(body: bytes, kind: int = ANSWER, times: int = 1) -> str:
    """Writes frames of its own making to the pipe, past everything that would check them."""
    write = (
        f"import statistics\nfor _ in range({times}): statistics.sys.modules['posix'].write(4, {frame(kind, body)!r})\nreturn 1"
    )
    return a_strategy(write)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (forged(b"no json"), "strategy_answer_unreadable"),
        (forged(b"[1]"), "strategy_answer_unreadable"),
        (forged(b'{"done": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"), "strategy_answer_unreadable"),
        (forged(b'{"done": 1e999}'), "strategy_answer_unreadable"),
        (forged(b'{"done": "\\ud800"}'), "strategy_answer_unreadable"),
        (forged(b'{"failed": "strategy_raised", "facts": 3}'), "strategy_answer_unreadable"),
        (forged(b'{"failed": "No such code!", "facts": {}}'), "strategy_answer_unreadable"),
        (forged(b'{"failed": "strategy_ended", "facts": {"code": 1, "self": 2, "printed": 3, "line": "x"}}'), "strategy_ended"),
        (forged(b"{}", 77), "strategy_answer_too_large"),
        (forged(b"{}", PROGRESS, 10_000), "strategy_answer_unreadable"),
        (forged(b"x", LOG, 10_000), "strategy_answer_unreadable"),
        (forged(b"x" * 5000, PROGRESS), "strategy_answer_too_large"),
    ],
)
async def test_a_forged_answer_deceives_nobody(text: str, code: str) -> None:
    assert (await falls(text)).code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("class S(Base:", "strategy_raised"),
        ("x = 1", "no_strategy_class"),
        ("while True: pass", "strategy_too_busy"),
        ("import os", "strategy_raised"),
        ("class S(Base):\n    def __init__(self): 1 / 0", "strategy_raised"),
        ("", "no_strategy_class"),
    ],
)
async def test_a_text_that_cannot_even_begin_is_named(text: str, code: str) -> None:
    assert (await falls(text)).code == code


async def test_the_line_is_told_where_it_raised_looped_or_slept() -> None:
    assert (await falls(a_strategy("\n\nreturn 1 / 0"))).facts["line"] == 6
    assert (await falls(a_strategy("x = 1\nwhile True: x += 1"))).facts["line"] == 5
    asleep = await falls(a_strategy("import time\ntime.sleep(60)"), limits=Limits(wall_seconds=0.4))
    assert (asleep.code, asleep.facts["line"]) == ("strategy_too_slow", 5)


@pytest.mark.parametrize(
    "text",
    [
        a_strategy("raise ValueError('a\\0b')"),
        a_strategy("import statistics\nposix = statistics.sys.modules['posix']\nposix.write(2, b'a\\0b')\nposix._exit(1)"),
        forged(b'{"failed": "strategy_raised", "facts": {"error": "a\\u0000b"}}'),
    ],
)
async def test_what_it_says_at_its_fall_can_be_kept_in_every_database(text: str) -> None:
    facts = (await falls(text)).facts
    assert "a\ufffdb" in " ".join(str(one) for one in facts.values())
    assert not [one for one in facts.values() if "\0" in str(one)]


async def test_it_inherits_no_file_that_the_house_has_open(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        body = (
            "import statistics\nfound = []\nfor number in range(64):\n    try: statistics.sys.modules['posix'].lseek(number, 0, 1)\n"
            "    except OSError as error:\n        if error.errno == 9: continue\n    found.append(number)\nreturn found"
        )
        process = await StrategyProcess.start(PLAIN, a_strategy(body), SHORT)
        answer = await process.ask({})
        await process.close()

    assert answer.value == [0, 1, 2, 3, 4]  # nowhere, nowhere, its last words, the questions, the answers


@linux
async def test_a_strategy_that_will_not_hear_of_ending_is_ended() -> None:
    ignoring = "[c['signal'](number, 1) for number in range(1, 32)]\nimport time\ntime.sleep(60)"
    fallen = await falls(a_strategy(ignoring), NAKED, Limits(wall_seconds=0.4))
    assert fallen.code == "strategy_too_slow"


@linux
async def test_a_native_crash_is_a_crash_of_its_process_alone() -> None:
    fallen = await falls(a_strategy("c['raise'](11)"), NAKED)
    assert (fallen.code, fallen.facts["signal"], fallen.facts["line"]) == ("strategy_crashed", "SIGSEGV", 4)
    assert (await falls(a_strategy("at(1, 2, 4096)"), NAKED)).facts["signal"] == "SIGSEGV"


async def test_it_sees_no_environment_and_what_it_prints_comes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARISTOBOT_SECRET", "x")
    text = a_strategy("import statistics\nprint('hello')\nreturn dict(statistics.sys.modules['os'].environ)")
    process = await StrategyProcess.start(PLAIN, text, SHORT)
    answer = await process.ask({})
    await process.close()

    assert answer.value == {}
    assert answer.printed == "hello\n"


async def test_a_warning_of_numpy_is_printed_and_stops_nobody() -> None:
    text = a_strategy("import numpy as np\nreturn str((np.array([1.0]) / np.array([0.0]))[0])")
    process = await StrategyProcess.start(NUMPY, text, SHORT)
    answer = await process.ask({})
    await process.close()

    assert answer.value == "inf"
    assert "divide by zero" in answer.printed


async def test_of_what_it_prints_the_last_quarter_megabyte_is_kept() -> None:
    process = await StrategyProcess.start(
        PLAIN, a_strategy("for n in range(20_000): print(n, 'é' * 20)"), Limits(wall_seconds=20)
    )
    printed = (await process.ask({})).printed
    await process.close()

    assert len(printed.encode()) <= 256 * 1024 + 3
    assert printed.endswith("19999 " + "é" * 20 + "\n")


async def test_where_the_kernel_does_not_count_memory_somebody_looks() -> None:
    greedy = "import time\nheld = bytearray(120 << 20)\nheld[::4096] = b'x' * len(held[::4096])\ntime.sleep(60)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", greedy)
    async with asyncio.timeout(10):
        assert await watch_memory(process.pid, 100, SystemClock())
        assert await process.wait() == -signal.SIGKILL
        assert not await watch_memory(process.pid, 100, SystemClock())


@linux
async def test_it_ends_with_the_house_even_when_the_house_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "house.py"
    script.write_text(
        "import asyncio\nfrom services.strategy_process import StrategyProcess\n"
        f"async def main():\n    p = await StrategyProcess.start({PLAIN!r}, {a_strategy('while True: pass')!r})\n"
        "    print(p.pid, flush=True)\n    await p.ask({}, seconds=60)\nasyncio.run(main())\n"
    )
    house = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.getcwd()}
    )
    assert house.stdout is not None
    child = int(await house.stdout.readline())
    house.kill()
    await house.wait()

    async with asyncio.timeout(10):
        while _lives(child):
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.02)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
