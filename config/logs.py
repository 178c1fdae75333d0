"""Logging for every process: structlog, one event a line, the request's id in each, secrets masked."""

import logging
import logging.config
import re
from typing import Any

import structlog

# A webhook's token is a password; so is an API key, so is a link without a sign-in. None may ever stand in a log.
SECRETS = re.compile(
    r"(/hooks/[a-z]+/)[\w-]+|(\bch_[a-z]+_)[\w-]+|(/invitations/)[\w-]+|(/password/reset/key/)[\w-]+|(/r/)[\w-]+|(/wall/)[\w-]+"
)


def masked(text: str) -> str:
    return SECRETS.sub(lambda match: f"{next(group for group in match.groups() if group)}***", text)


def mask_event(logger: Any, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: masked(value) if isinstance(value, str) else value for key, value in event.items()}


def configure(*, level: str, as_json: bool) -> None:
    """Set up structlog and the standard library's loggers to write the same lines to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_event,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                }
            },
            "filters": {"outage": {"()": "lib.outage.OncePerOutage"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["outage"]}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "django.server": {"propagate": True},
                "gunicorn.error": {"handlers": ["stderr"], "propagate": False},  # else it writes addresses unmasked
                "celery.app.trace": {"level": "WARNING"},
                "fontTools": {"level": "WARNING"},  # tells every step of each PDF's font
            },
        }
    )
