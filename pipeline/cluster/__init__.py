"""One Kafka cluster as a link sees it: security settings, a data client, administration, and a probe."""

import logging
import warnings

# kafka-python 3.0 reads its schemas at import through functions that Python 3.11 and 3.12 call deprecated (3.13 took
# that back). Nothing in our hands is wrong, so whoever turns warnings into errors need not hear of it.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=r"(read|open)_text is deprecated", category=DeprecationWarning)
    import kafka as _kafka  # noqa: F401  (imported here for its effect: later imports find it loaded)

TALKATIVE = ("aiokafka.conn", "kafka.net.connection", "kafka.protocol.parser")
"""Loggers of the client libraries that write whole requests at debug level, logins with their passwords among them."""


def is_fit_to_show(record: logging.LogRecord) -> bool:
    """A filter for those loggers: whatever level a user asks for, their debug lines are never written (SEC-34)."""
    return record.levelno > logging.DEBUG


for _name in TALKATIVE:
    logging.getLogger(_name).addFilter(is_fit_to_show)
