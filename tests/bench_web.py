"""What the web process costs: its memory, two hundred who listen, and how soon they hear; as one line of JSON.

python -m tests.bench_web [LISTENERS]
"""

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hybridd.clock import SystemClock
from hybridd.dashboard import api_tokens
from hybridd.dashboard.api_tokens import Scope
from hybridd.store.store import open_store
from tests.bench_cycles import resident_mb

EVENTS = 100


async def main(listeners: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/state.db", clock=SystemClock())
        token = api_tokens.add(store, "bench", frozenset({Scope.READ}), "bench", SystemClock().now())
        port, config = _free_port(), Path(folder) / "hybridd.toml"
        config.write_text(f'[database]\nurl = "sqlite:///{folder}/state.db"\n[dashboard]\nport = {port}\n')
        command = [sys.executable, "-m", "hybridd", "dashboard", "--config", str(config)]
        web = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            await _up(port)
            await _get(port, "/api/v1/status", token)
            alone = resident_mb(web.pid)
            heard: dict[int, list[float]] = {}
            ready = asyncio.Semaphore(0)
            listening = [asyncio.create_task(_listen(port, token, heard, ready)) for _ in range(listeners)]
            for _ in range(listeners):
                await ready.acquire()
            stored: dict[int, float] = {}
            for _ in range(EVENTS):
                number = store.events.append("alert", "BTC/USDT", {"id": 1, "text": "x" * 200}, SystemClock().now())
                stored[number] = time.perf_counter()
                await asyncio.sleep(0.05)
            await asyncio.sleep(1)
            many = resident_mb(web.pid)
            took = sorted(at - stored[number] for number, times in heard.items() for at in times)
            for one in listening:
                one.cancel()
            print(json.dumps({
                "resident_mb": alone, "listeners": listeners, "resident_with_listeners_mb": many,
                "heard": len(took), "missed": EVENTS * listeners - len(took),
                "heard_ms": {"median": took[len(took) // 2] * 1000, "p99": took[len(took) * 99 // 100] * 1000},
            }))  # fmt: skip
        finally:
            web.terminate()
            web.wait(10)
            store.close()


async def _listen(port: int, token: str, heard: dict[int, list[float]], ready: asyncio.Semaphore) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_head("/api/v1/stream", token))
    begun = False
    while line := await reader.readline():
        if not begun and line.startswith(b"retry"):
            begun = True
            ready.release()
        if line.startswith(b"id: "):
            heard.setdefault(int(line[4:]), []).append(time.perf_counter())


async def _get(port: int, path: str, token: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_head(path, token))
    assert b" 200 " in await reader.readline()
    writer.close()


def _head(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


async def _up(port: int) -> None:
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise TimeoutError("the web did not start")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
