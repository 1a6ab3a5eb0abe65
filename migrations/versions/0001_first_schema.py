"""The first schema: the household, its brokers, the market, alerts, orders, positions, the kill switch, the audit.

Revision 0001, after nothing.
"""

import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _columns(kind: Any, names: Iterable[str], nullable: bool) -> list[Any]:
    return [sa.Column(name, kind, nullable=nullable) for name in names]


def _ids(*names: str, nullable: bool = False) -> list[Any]:
    return _columns(sa.Uuid(), names, nullable)


def _amounts(*names: str, nullable: bool = False) -> list[Any]:
    return _columns(sa.Numeric(38, 18).with_variant(sa.String(40), "sqlite"), names, nullable)


def _moments(*names: str, nullable: bool = False) -> list[Any]:
    return _columns(sa.DateTime(timezone=True), names, nullable)


def _documents(*names: str) -> list[Any]:
    return _columns(sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"), names, nullable=True)


def _flags(*names: str) -> list[Any]:
    return _columns(sa.Boolean(), names, nullable=False)


def _counts(*names: str) -> list[Any]:
    return _columns(sa.Integer(), names, nullable=False)


def _texts(*names: str, length: int, nullable: bool = False) -> list[Any]:
    return _columns(sa.String(length), names, nullable)


def _word(name: str, words: str, check: str, nullable: bool = False) -> Any:
    kind = sa.Enum(*words.split(), name=check, native_enum=False, create_constraint=True, length=24)
    return sa.Column(name, kind, nullable=nullable)


def _key(table: str, *columns: str) -> Any:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _unique(table: str, *columns: str) -> Any:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _reference(name: str, columns: list[str], referred: list[str], ondelete: str | None = None) -> Any:
    return sa.ForeignKeyConstraint(columns, referred, name=op.f(name), ondelete=ondelete, deferrable=True, initially="DEFERRED")


def _of_user(table: str) -> Any:
    return _reference(f"fk_{table}_user_id", ["user_id"], ["users.id"])


def _same_owner(table: str, column: str, target: str, ondelete: str | None = None) -> Any:
    return _reference(f"fk_{table}_user_id_{column}", ["user_id", column], [f"{target}.user_id", f"{target}.id"], ondelete)


def _index(name: str, table: str, *columns: str) -> None:
    op.create_index(op.f(name), table, list(columns))


def _unique_where(name: str, table: str, columns: list[str], sqlite: str, postgresql: str) -> None:
    op.create_index(op.f(name), table, columns, unique=True, sqlite_where=sa.text(sqlite), postgresql_where=sa.text(postgresql))


def _create_users() -> None:
    op.create_table(
        "users",
        *_ids("id"),
        *_texts("name", "name_key", length=64),
        *_texts("password_hash", length=255),
        _word("role", "administrator trader viewer", check="role"),
        *_flags("must_choose_password", "is_active"),
        *_moments("password_expires_at", nullable=True),
        *_texts("language", length=2),
        *_texts("timezone", length=64),
        *_texts("totp_sealed", length=512, nullable=True),
        *_counts("totp_last_step"),
        *_documents("recovery_codes"),
        *_texts("ai_provider", length=32, nullable=True),
        *_texts("ai_url", length=255, nullable=True),
        *_texts("ai_model", length=128, nullable=True),
        *_texts("ai_key_sealed", length=1024, nullable=True),
        _word("cost_method", "average fifo", check="costmethod"),
        *_moments("created_at"),
        _key("users", "id"),
        _unique("users", "name_key"),
    )


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        *_ids("user_id", "id"),
        *_texts("token_hash", length=64),
        *_moments("created_at", "last_seen_at", "expires_at"),
        *_moments("ended_at", nullable=True),
        *_texts("address", length=64),
        *_texts("user_agent", length=255),
        _key("sessions", "id"),
        _unique("sessions", "token_hash"),
        _of_user("sessions"),
    )


def _create_api_tokens() -> None:
    op.create_table(
        "api_tokens",
        *_ids("user_id", "id"),
        *_texts("name", length=64),
        _word("scope", "read trade admin", check="tokenscope"),
        *_texts("token_hash", length=64),
        *_texts("last_four", length=4),
        *_moments("created_at"),
        *_moments("expires_at", "revoked_at", "last_used_at", nullable=True),
        _key("api_tokens", "id"),
        _unique("api_tokens", "token_hash"),
        _of_user("api_tokens"),
    )


def _create_brokers() -> None:
    op.create_table(
        "brokers",
        *_ids("user_id", "id"),
        *_texts("exchange", length=32),
        *_texts("name", length=64),
        *_texts("api_key_sealed", length=2048),
        *_texts("api_secret_sealed", length=8192),
        *_texts("passphrase_sealed", length=1024),
        *_texts("key_last_four", length=4),
        _word("mode", "OFF STRATEGIES WEBHOOKS", check="brokermode"),
        _word("access", "TRADE REDUCE_ONLY READ_ONLY", check="brokeraccess"),
        *_flags("is_default"),
        *_texts("quote", length=16),
        *_documents("limits", "endpoints", "key_rights"),
        *_moments("checked_at", nullable=True),
        *_moments("created_at"),
        *_moments("deleted_at", nullable=True),
        *_counts("version"),
        _key("brokers", "id"),
        _unique("brokers", "user_id", "id"),
        _of_user("brokers"),
    )
    _unique_where(
        "uq_brokers_one_default",
        "brokers",
        ["user_id"],
        "is_default = 1 AND deleted_at IS NULL",
        "is_default AND deleted_at IS NULL",
    )


def _create_webhook_tokens() -> None:
    op.create_table(
        "webhook_tokens",
        *_ids("user_id", "id", "broker_id"),
        *_texts("token_hash", length=64),
        *_texts("last_four", length=4),
        *_moments("created_at"),
        *_moments("expires_at", "last_used_at", nullable=True),
        _key("webhook_tokens", "id"),
        _unique("webhook_tokens", "token_hash"),
        _of_user("webhook_tokens"),
        _same_owner("webhook_tokens", "broker_id", "brokers", ondelete="CASCADE"),
    )


def _create_favourites() -> None:
    op.create_table(
        "favourites",
        *_ids("user_id", "id"),
        *_texts("exchange", length=32),
        *_texts("symbol", length=48),
        *_moments("created_at"),
        _key("favourites", "id"),
        _unique("favourites", "user_id", "exchange", "symbol"),
        _of_user("favourites"),
    )


def _create_instruments() -> None:
    op.create_table(
        "instruments",
        *_texts("exchange", length=32),
        *_texts("symbol", length=48),
        *_texts("base", "quote", length=24),
        *_amounts(
            "tick",
            "lot",
            "min_quantity",
            "max_quantity",
            "market_lot",
            "max_market_quantity",
            "min_notional",
            "max_notional",
            "quote_step",
            "maker_fee",
            "taker_fee",
        ),
        _word("state", "trading cancel_only halted", check="instrumentstate"),
        *_documents("order_types"),
        *_flags("oco_allowed", "otoco_allowed"),
        *_amounts("price_band"),
        *_moments("updated_at"),
        _key("instruments", "exchange", "symbol"),
    )
    _index("ix_instruments_base", "instruments", "base")
    _index("ix_instruments_quote", "instruments", "quote")


def _create_candles() -> None:
    op.create_table(
        "candles",
        *_texts("exchange", length=32),
        *_texts("symbol", length=48),
        _word("timeframe", "1m 3m 5m 15m 30m 1h 2h 4h 6h 12h 1d 1w", check="timeframe"),
        *_moments("open_time"),
        *_amounts("open", "high", "low", "close", "volume"),
        *_moments("close_time", "received_at"),
        *_flags("live"),
        _key("candles", "exchange", "symbol", "timeframe", "open_time"),
    )


def _create_heartbeat_status() -> None:
    op.create_table(
        "heartbeat_status",
        *_texts("exchange", length=32),
        *_flags("connected"),
        *_moments("last_start", "last_stop", "last_candle_at", nullable=True),
        _key("heartbeat_status", "exchange"),
    )


def _create_heartbeat_events() -> None:
    op.create_table(
        "heartbeat_events",
        *_ids("id"),
        *_texts("exchange", length=32),
        *_texts("kind", length=8),
        *_texts("reason", length=255),
        *_moments("at"),
        _key("heartbeat_events", "id"),
    )
    _index("ix_heartbeat_events_at", "heartbeat_events", "at")
    _index("ix_heartbeat_events_exchange", "heartbeat_events", "exchange")


def _create_halts() -> None:
    op.create_table(
        "halts",
        *_ids("id"),
        _word("scope", "all user broker strategy", check="haltscope"),
        *_ids("scope_id", nullable=True),
        _word("level", "halt reduce flatten", check="haltlevel"),
        *_texts("reason", length=255),
        *_texts("set_by", length=64),
        *_moments("set_at"),
        *_moments("completed_at", "released_at", nullable=True),
        *_texts("released_by", length=64),
        _key("halts", "id"),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        *_moments("at"),
        *_ids("user_id", nullable=True),
        *_texts("actor", length=64),
        *_texts("via", length=16),
        *_texts("action", length=64),
        *_texts("subject", length=128),
        *_documents("before", "after"),
        *_texts("trace_id", length=32),
        *_texts("previous_seal", "seal", length=64),
        _key("audit", "id"),
        sqlite_autoincrement=True,
    )
    _index("ix_audit_at", "audit", "at")
    _index("ix_audit_user_id", "audit", "user_id")


def _create_installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        *_ids("installation_id"),
        *_counts("epoch"),
        _key("installation", "id"),
    )


def _create_positions() -> None:
    op.create_table(
        "positions",
        *_ids("user_id", "id", "broker_id"),
        *_texts("symbol", length=48),
        *_texts("base", "quote", length=24),
        *_texts("owner", length=64),
        _word("status", "open closed", check="lotstatus"),
        *_amounts("quantity", "cost", "entry", "realised", "bought", "sold", "current_price"),
        *_documents("other_fees"),
        *_flags("is_dust"),
        *_moments("opened_at"),
        *_moments("closed_at", nullable=True),
        _key("positions", "id"),
        _unique("positions", "user_id", "id"),
        _of_user("positions"),
        _same_owner("positions", "broker_id", "brokers"),
    )
    _index("ix_positions_recent", "positions", "user_id", "opened_at")
    _unique_where(
        "ix_positions_user_id_broker_id_symbol_owner",
        "positions",
        ["user_id", "broker_id", "symbol", "owner"],
        "status = 'open'",
        "status = 'open'",
    )


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        *_ids("user_id", "id", "broker_id"),
        *_texts("dedupe_key", length=128),
        *_flags("weak_identity"),
        *_moments("received_at"),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        *_texts("source", length=64),
        _word("status", "received processing processed error miss", check="webhookstatus"),
        _word("outcome", "ordered updated no_effect ping duplicate stale refused invalid", check="webhookoutcome", nullable=True),
        *_texts("reason", length=64),
        *_documents("reason_facts"),
        *_texts("trace_id", length=32),
        *_counts("claims"),
        *_texts("symbol", length=48),
        *_texts("symbol_in_payload", "exchange_in_payload", length=64),
        *_texts("interval", "action", length=16),
        *_amounts("price", nullable=True),
        *_texts("stop_loss", length=64),
        *_texts("take_profit", length=255),
        *_amounts("percent", nullable=True),
        *_texts("payload_user_id", "payload_broker_id", length=64),
        *_texts("payload_id", length=255),
        *_moments("bar_time", "sent_at", nullable=True),
        *_texts("market_position", "prev_market_position", length=16),
        *_documents("order_ids", "result"),
        *_moments("finished_at", nullable=True),
        _key("webhooks", "id"),
        _unique("webhooks", "broker_id", "dedupe_key"),
        _unique("webhooks", "user_id", "id"),
        _of_user("webhooks"),
        _same_owner("webhooks", "broker_id", "brokers"),
    )
    _index("ix_webhooks_pending", "webhooks", "status", "received_at")
    _index("ix_webhooks_recent", "webhooks", "user_id", "received_at")
    _index("ix_webhooks_trace_id", "webhooks", "trace_id")


def _create_dust_moves() -> None:
    op.create_table(
        "dust_moves",
        *_ids("user_id", "id", "position_id"),
        *_ids("into_id", nullable=True),
        *_amounts("quantity", "worth"),
        *_moments("at"),
        _key("dust_moves", "id"),
        _of_user("dust_moves"),
        _same_owner("dust_moves", "position_id", "positions"),
        _same_owner("dust_moves", "into_id", "positions"),
    )
    _index("ix_dust_moves_recent", "dust_moves", "user_id", "at")
    _index("ix_dust_moves_position_id", "dust_moves", "position_id")
    _index("ix_dust_moves_into_id", "dust_moves", "into_id")


def _create_brackets() -> None:
    op.create_table(
        "brackets",
        *_ids("user_id", "id", "broker_id", "position_id"),
        _word("status", "planned active moving done", check="bracketstatus"),
        *_amounts("stop_price"),
        *_documents("targets", "rollback"),
        *_counts("attempt"),
        *_moments("unprotected_since", nullable=True),
        *_moments("asked_at", "updated_at"),
        _key("brackets", "id"),
        _unique("brackets", "position_id"),
        _of_user("brackets"),
        _same_owner("brackets", "broker_id", "brokers"),
        _same_owner("brackets", "position_id", "positions", ondelete="CASCADE"),
    )


def _create_orders() -> None:
    op.create_table(
        "orders",
        *_ids("user_id", "id", "broker_id"),
        *_texts("symbol", length=48),
        _word("side", "buy sell", check="side"),
        _word("type", "market limit limit_maker stop_loss stop_loss_limit take_profit take_profit_limit", check="ordertype"),
        _word("time_in_force", "gtc ioc fok", check="timeinforce"),
        *_amounts("quantity", "quote_quantity", "price", "stop_price"),
        _word(
            "status",
            "PENDING UNKNOWN OPEN PARTIALLY_FILLED FILLED CANCELED EXPIRED REJECTED DENIED NOT_ACCEPTED",
            check="orderstatus",
        ),
        *_amounts("filled", "quote_filled"),
        *_texts("client_order_id", "exchange_order_id", "list_client_id", length=64),
        _word("origin", "webhook strategy manual keeper order_monitor", check="orderorigin"),
        _word("role", "entry exit stop target", check="orderrole"),
        *_texts("owner", length=64),
        *_texts("leg", length=32),
        *_counts("attempt"),
        *_ids("position_id", "webhook_id", nullable=True),
        *_amounts("reserved_quote", "reserved_base", "exit_stop", "exit_target"),
        *_texts("reason", length=64),
        *_documents("reason_facts"),
        *_texts("note", length=255),
        *_flags("dry_run"),
        *_texts("trace_id", length=32),
        *_moments("created_at"),
        *_moments("sent_at", "fence_at", nullable=True),
        *_moments("updated_at"),
        *_moments("done_at", nullable=True),
        _key("orders", "id"),
        _unique("orders", "user_id", "id"),
        _of_user("orders"),
        _same_owner("orders", "broker_id", "brokers"),
        _same_owner("orders", "position_id", "positions"),
        _same_owner("orders", "webhook_id", "webhooks"),
    )
    _index("ix_orders_client_id", "orders", "broker_id", "client_order_id")
    _index("ix_orders_exchange_id", "orders", "broker_id", "exchange_order_id")
    _index("ix_orders_of_broker", "orders", "broker_id", "created_at")
    _index("ix_orders_position_id", "orders", "position_id")
    _index("ix_orders_recent", "orders", "user_id", "created_at")
    _index("ix_orders_status", "orders", "status", "broker_id")
    _index("ix_orders_trace_id", "orders", "trace_id")
    _index("ix_orders_webhook_id", "orders", "webhook_id")


def _create_webhook_states() -> None:
    op.create_table(
        "webhook_states",
        *_ids("user_id", "id", "broker_id"),
        *_texts("symbol", length=48),
        _word("side", "buy sell", check="side"),
        _word("status", "open closed", check="lotstatus"),
        *_amounts("entry_price", "quantity", "current_price", "stop_loss", "take_profit"),
        *_ids("stop_order_id", "target_order_id", nullable=True),
        *_amounts("unrealised_pnl", "realised_pnl"),
        *_ids("position_id", "opening_webhook_id", nullable=True),
        *_moments("opened_at"),
        *_moments("closed_at", nullable=True),
        *_moments("updated_at"),
        _key("webhook_states", "id"),
        _of_user("webhook_states"),
        _same_owner("webhook_states", "broker_id", "brokers"),
        _same_owner("webhook_states", "opening_webhook_id", "webhooks"),
        _same_owner("webhook_states", "position_id", "positions"),
    )
    _index("ix_webhook_states_position_id", "webhook_states", "position_id")
    _index("ix_webhook_states_recent", "webhook_states", "user_id", "opened_at")
    _unique_where(
        "ix_webhook_states_user_id_broker_id_symbol",
        "webhook_states",
        ["user_id", "broker_id", "symbol"],
        "status = 'open'",
        "status = 'open'",
    )


def _create_fills() -> None:
    op.create_table(
        "fills",
        *_ids("user_id", "id", "broker_id", "order_id"),
        *_ids("position_id", nullable=True),
        *_texts("symbol", length=48),
        *_texts("trade_id", length=64),
        _word("side", "buy sell", check="side"),
        *_amounts("price", "quantity", "fee"),
        *_texts("fee_asset", length=24),
        *_amounts("fee_value", nullable=True),
        *_flags("maker"),
        *_moments("at"),
        _key("fills", "id"),
        _unique("fills", "broker_id", "symbol", "trade_id", "side"),
        _of_user("fills"),
        _same_owner("fills", "broker_id", "brokers"),
        _same_owner("fills", "order_id", "orders", ondelete="CASCADE"),
        _same_owner("fills", "position_id", "positions"),
    )
    _index("ix_fills_order_id", "fills", "order_id")
    _index("ix_fills_position_id", "fills", "position_id")
    _index("ix_fills_recent", "fills", "user_id", "at")


def _create_strangers() -> None:
    op.create_table(
        "strangers",
        *_ids("user_id", "id", "broker_id"),
        *_texts("symbol", length=48),
        _word("side", "buy sell", check="side"),
        _word("type", "market limit limit_maker stop_loss stop_loss_limit take_profit take_profit_limit", check="ordertype"),
        *_amounts("quantity", "price", "stop_price"),
        _word(
            "status",
            "PENDING UNKNOWN OPEN PARTIALLY_FILLED FILLED CANCELED EXPIRED REJECTED DENIED NOT_ACCEPTED",
            check="orderstatus",
        ),
        *_amounts("filled", "quote_filled"),
        *_texts("client_order_id", "exchange_order_id", length=64),
        _word("origin", "webhook strategy manual keeper order_monitor", check="orderorigin"),
        *_moments("created_at", "imported_at", "updated_at"),
        *_moments("done_at", nullable=True),
        _key("strangers", "id"),
        _unique("strangers", "broker_id", "symbol", "exchange_order_id"),
        _of_user("strangers"),
        _same_owner("strangers", "broker_id", "brokers"),
    )
    _index("ix_strangers_recent", "strangers", "user_id", "created_at")


def _create_restart_reports() -> None:
    op.create_table(
        "restart_reports",
        *_ids("user_id", "id"),
        *_moments("at"),
        *_moments("away_since", nullable=True),
        *_documents("items"),
        *_moments("seen_at", nullable=True),
        _key("restart_reports", "id"),
        _of_user("restart_reports"),
    )
    _index("ix_restart_reports_recent", "restart_reports", "user_id", "at")


KINDS = (
    "order_filled order_refused order_unknown position_opened position_closed stop_missing halt exchange key"
    " alert_refused alert_missed new_device backup service channel strategy_failed strategy_says"
)
OUTLETS = "toast sound browser telegram email webhook"


def _create_notifications() -> None:
    op.create_table(
        "notifications",
        *_ids("user_id", "id"),
        _word("kind", KINDS, check="noticekind"),
        *_texts("code", "page", length=64),
        *_documents("facts"),
        *_texts("subject", length=128),
        *_counts("count"),
        *_texts("trace_id", length=32),
        *_moments("created_at", "last_at"),
        *_moments("read_at", nullable=True),
        _key("notifications", "id"),
        _unique("notifications", "user_id", "id"),
        _of_user("notifications"),
    )
    _index("ix_notifications_recent", "notifications", "user_id", "last_at")
    _index("ix_notifications_subject", "notifications", "user_id", "subject")


def _create_notification_preferences() -> None:
    op.create_table(
        "notification_preferences",
        *_ids("user_id", "id"),
        *_documents("switches"),
        _key("notification_preferences", "id"),
        _unique("notification_preferences", "user_id"),
        _of_user("notification_preferences"),
    )


def _create_notification_channels() -> None:
    op.create_table(
        "notification_channels",
        *_ids("user_id", "id"),
        _word("channel", OUTLETS, check="outlet"),
        *_documents("settings", "fault_facts"),
        *_texts("secret_sealed", length=8192),
        *_flags("enabled"),
        *_texts("fault", length=64),
        *_moments("failing_since", "worked_at", nullable=True),
        *_moments("updated_at"),
        _key("notification_channels", "id"),
        _unique("notification_channels", "user_id", "channel"),
        _of_user("notification_channels"),
    )


def _create_notification_deliveries() -> None:
    op.create_table(
        "notification_deliveries",
        *_ids("user_id", "id", "notification_id"),
        _word("channel", OUTLETS, check="outlet"),
        *_ids("batch", nullable=True),
        *_counts("attempts"),
        *_moments("created_at", "next_at"),
        _key("notification_deliveries", "id"),
        _of_user("notification_deliveries"),
        _same_owner("notification_deliveries", "notification_id", "notifications", ondelete="CASCADE"),
    )
    _index("ix_notification_deliveries_lane", "notification_deliveries", "user_id", "channel", "created_at")


def _create_silence_watches() -> None:
    op.create_table(
        "silence_watches",
        *_ids("user_id", "id", "broker_id"),
        _word("pings", "learn fixed off", check="rhythmmode"),
        *_counts("ping_seconds"),
        *_flags("learn_bars"),
        *_documents("expected"),
        _key("silence_watches", "id"),
        _unique("silence_watches", "broker_id"),
        _of_user("silence_watches"),
        _same_owner("silence_watches", "broker_id", "brokers", ondelete="CASCADE"),
    )


def _create_strategies() -> None:
    op.create_table(
        "strategies",
        *_ids("user_id", "id"),
        *_texts("name", "name_key", length=64),
        sa.Column("draft", sa.Text(), nullable=True),
        *_counts("draft_of"),
        *_moments("draft_at", nullable=True),
        *_documents("former_lots"),
        *_moments("created_at", "updated_at"),
        *_moments("archived_at", nullable=True),
        _key("strategies", "id"),
        _unique("strategies", "user_id", "id"),
        _of_user("strategies"),
    )
    living = "archived_at IS NULL"
    _unique_where("ix_strategies_user_id_name_key", "strategies", ["user_id", "name_key"], living, living)


def _create_strategy_versions() -> None:
    op.create_table(
        "strategy_versions",
        *_ids("user_id", "id", "strategy_id"),
        *_counts("number"),
        sa.Column("code", sa.Text(), nullable=False),
        *_texts("hash", length=64),
        *_texts("note", length=255),
        *_documents("review"),
        *_moments("reviewed_at", nullable=True),
        *_moments("created_at"),
        _key("strategy_versions", "id"),
        _unique("strategy_versions", "user_id", "id"),
        _unique("strategy_versions", "strategy_id", "number"),
        _of_user("strategy_versions"),
        _same_owner("strategy_versions", "strategy_id", "strategies", ondelete="CASCADE"),
    )


def _create_activations() -> None:
    op.create_table(
        "activations",
        *_ids("user_id", "id", "version_id", "broker_id"),
        *_texts("symbol", length=48),
        *_texts("timeframe", length=8),
        _word("status", "stopped running paused failed", check="activationstatus"),
        *_amounts("allotted"),
        *_documents("parameters", "vars"),
        *_texts("reason", length=64),
        *_documents("reason_facts"),
        *_moments("decided_at", nullable=True),
        *_counts("turns"),
        *_documents("work", "plan", "told", "view"),
        *_moments("created_at", "updated_at"),
        _key("activations", "id"),
        _unique("activations", "user_id", "id"),
        _unique("activations", "version_id", "broker_id", "symbol", "timeframe"),
        _of_user("activations"),
        _same_owner("activations", "version_id", "strategy_versions"),
        _same_owner("activations", "broker_id", "brokers"),
    )
    _index("ix_activations_status", "activations", "status", "user_id")


def _create_activation_lines() -> None:
    op.create_table(
        "activation_lines",
        *_ids("user_id", "id", "activation_id"),
        *_moments("at"),
        *_texts("level", length=16),
        *_texts("code", length=64),
        *_documents("facts"),
        *_texts("text", length=1000),
        _key("activation_lines", "id"),
        _of_user("activation_lines"),
        _same_owner("activation_lines", "activation_id", "activations", "CASCADE"),
    )
    _index("ix_activation_lines_recent", "activation_lines", "activation_id", "at")


def _create_backtests() -> None:
    op.create_table(
        "backtests",
        *_ids("user_id", "id"),
        *_ids("strategy_version_id", nullable=True),
        *_texts("strategy", "template", length=64),
        *_texts("exchange", length=32),
        *_texts("symbol", length=48),
        *_texts("timeframe", length=8),
        *_moments("since", "until"),
        sa.Column("code", sa.Text(), nullable=False),
        *_documents("parameters", "costs", "further"),
        *_amounts("cash"),
        *_amounts("allotted", nullable=True),
        *_counts("seed", "variants"),
        *_flags("fetch", "detail", "pinned", "pruned"),
        *_texts("fingerprint", "data_hash", length=64),
        _word("status", "queued running done failed cancelled interrupted", check="backteststatus"),
        *_documents("summary"),
        *_texts("error", length=64),
        *_documents("error_facts"),
        *_moments("created_at"),
        *_moments("started_at", "finished_at", nullable=True),
        _key("backtests", "id"),
        _unique("backtests", "user_id", "id"),
        _of_user("backtests"),
    )
    _index("ix_backtests_recent", "backtests", "user_id", "created_at")
    _index("ix_backtests_status", "backtests", "status")


def _create_backtest_reports() -> None:
    op.create_table(
        "backtest_reports",
        *_ids("user_id", "id", "backtest_id"),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        _key("backtest_reports", "id"),
        _unique("backtest_reports", "backtest_id"),
        _of_user("backtest_reports"),
        _same_owner("backtest_reports", "backtest_id", "backtests", ondelete="CASCADE"),
    )


def _create_studies() -> None:
    op.create_table(
        "studies",
        *_ids("user_id", "id"),
        *_ids("strategy_version_id", nullable=True),
        *_texts("strategy", "template", length=64),
        _word("status", "queued running stopped interrupted failed done", check="studystatus"),
        sa.Column("code", sa.Text(), nullable=False),
        *_documents("definition"),
        *_texts("data_hash", length=64),
        *_flags("fetch"),
        *_counts("workers"),
        *_texts("scheduler", length=255),
        *_documents("findings"),
        *_texts("error", length=64),
        *_documents("error_facts"),
        *_moments("created_at"),
        *_moments("started_at", "finished_at", nullable=True),
        _key("studies", "id"),
        _unique("studies", "user_id", "id"),
        _of_user("studies"),
    )
    _index("ix_studies_recent", "studies", "user_id", "created_at")
    _index("ix_studies_status", "studies", "status")


def _create_trials() -> None:
    op.create_table(
        "trials",
        *_ids("user_id", "id", "study_id"),
        *_counts("number", "fold"),
        *_documents("parameters"),
        sa.Column("score", sa.Float(), nullable=True),
        *_documents("figures"),
        *_texts("fault", length=64),
        *_texts("machine", length=64),
        *_moments("claimed_at"),
        *_moments("done_at", nullable=True),
        _key("trials", "id"),
        _unique("trials", "study_id", "number"),
        _of_user("trials"),
        _same_owner("trials", "study_id", "studies", ondelete="CASCADE"),
    )


CREATORS = {
    "users": _create_users,
    "sessions": _create_sessions,
    "api_tokens": _create_api_tokens,
    "brokers": _create_brokers,
    "webhook_tokens": _create_webhook_tokens,
    "favourites": _create_favourites,
    "instruments": _create_instruments,
    "candles": _create_candles,
    "heartbeat_status": _create_heartbeat_status,
    "heartbeat_events": _create_heartbeat_events,
    "halts": _create_halts,
    "audit": _create_audit,
    "installation": _create_installation,
    "positions": _create_positions,
    "webhooks": _create_webhooks,
    "dust_moves": _create_dust_moves,
    "brackets": _create_brackets,
    "orders": _create_orders,
    "webhook_states": _create_webhook_states,
    "fills": _create_fills,
    "notifications": _create_notifications,
    "notification_preferences": _create_notification_preferences,
    "notification_channels": _create_notification_channels,
    "notification_deliveries": _create_notification_deliveries,
    "silence_watches": _create_silence_watches,
    "strangers": _create_strangers,
    "restart_reports": _create_restart_reports,
    "strategies": _create_strategies,
    "strategy_versions": _create_strategy_versions,
    "activations": _create_activations,
    "activation_lines": _create_activation_lines,
    "backtests": _create_backtests,
    "backtest_reports": _create_backtest_reports,
    "studies": _create_studies,
    "trials": _create_trials,
}


def upgrade() -> None:
    """Create every table, then say who this installation is."""
    for create in CREATORS.values():
        create()
    installation = sa.table("installation", sa.column("id"), sa.column("installation_id", sa.Uuid()), sa.column("epoch"))
    op.bulk_insert(installation, [{"id": 1, "installation_id": uuid.uuid4(), "epoch": 1}])


def downgrade() -> None:
    """Drop everything."""
    for table in reversed(CREATORS):
        op.drop_table(table)
