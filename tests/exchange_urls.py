"""Where the exchanges of a test are: every address of every exchange, so that no test ever asks the internet."""

from __future__ import annotations

#: The path of each address below a simulator's own (contract: the simulator).
_PATHS = {
    "binance": {"rest": "/binance", "stream": "/binance", "trading": "/binance/ws-api/v3"},
    "bitget": {"rest": "/bitget", "stream": "/bitget/v2/ws/public", "trading": "/bitget/v2/ws/private"},
    "kraken": {"rest": "/kraken", "stream": "/kraken/v2", "trading": "/kraken/v2/private"},
}
_VARIABLES = {
    "binance": {"rest": "REST_URL", "stream": "WS_URL", "trading": "WS_API_URL"},
    "bitget": {"rest": "REST_URL", "stream": "WS_PUBLIC_URL", "trading": "WS_PRIVATE_URL"},
    "kraken": {"rest": "REST_URL", "stream": "WS_PUBLIC_URL", "trading": "WS_PRIVATE_URL"},
}


def exchange_urls(simulator: str) -> dict[str, dict[str, str]]:
    """The setting `exchange_urls` that leads to a simulator at this address."""
    socket = simulator.replace("http", "ws", 1)
    return {
        exchange: {kind: (simulator if kind == "rest" else socket) + path for kind, path in paths.items()}
        for exchange, paths in _PATHS.items()
    }


def as_environment(urls: dict[str, dict[str, str]]) -> dict[str, str]:
    """The same as environment variables (contract: settings for exchanges)."""
    return {
        f"ARISTOBOT_{exchange.upper()}_{_VARIABLES[exchange][kind]}": url
        for exchange, addresses in urls.items()
        for kind, url in addresses.items()
    }


#: Where nobody answers, and says so at once.
NOWHERE = exchange_urls("http://127.0.0.1:9")
