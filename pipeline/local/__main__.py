"""Get everything brokers need before the first one is started: `python -m pipeline.local`.

Done ahead of the tests, whose time limits are for tests and not for a download. Says what is missing in plain words.
"""

from __future__ import annotations

import sys

from pipeline.local import backends
from pipeline.local.errors import LocalError
from pipeline.local.kafka_home import OLD_VERSION, VERSION


def main() -> None:
    """Prepare each version that the tests use, on the backend of this machine."""
    try:
        backend = backends.choose()
        for version in (VERSION, OLD_VERSION):
            print(f"Apache Kafka {version}: {backend.prepare(version)}", flush=True)
    except LocalError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
