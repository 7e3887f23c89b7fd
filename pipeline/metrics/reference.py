"""Prints docs/metrics.md: `python -m pipeline.metrics.reference`; a test keeps the page true."""

from __future__ import annotations

from pathlib import Path

from pipeline.metrics.table import NOT_GIVEN, reference

HEAD = """# Metrics and health

Every worker serves `/metrics` in Prometheus' text format, `/healthz` and `/readyz`, on the port of REST.

- `/metrics` wants what REST wants (`rest_authentication`): with `basic` or `bearer` the credentials of a `reader`, with
  `mtls` a client certificate; with `none` it is open. In Prometheus: `basic_auth`, `authorization` or `tls_config`.
- `/healthz` is 200 while the worker's event loop answers and what reads the control topics runs (Faust's consumer and
  the followers of the changelogs); else 503: start the worker again.
- `/readyz` is 200 when partitions of the control topics are assigned, their tables are recovered, no rebalance is under
  way and the own cluster answers (asked every 5 s); else 503. A worker above the number of `partitions` gets none and
  is never ready. Both need no authentication, and say why in JSON:

  ```json
  {"status": "failing", "checks": {"control_topics": "ok", "faust": "ok",
    "assigned": "no partition of the control topics is assigned to this worker", "tables": "ok", "own_cluster": "ok"}}
  ```

## Reading them over several workers

Each series is given by one worker only, as the column "given by" says (MET-65):

- What a row tells (states, lags of topics and links, tasks) is given by the worker that leads the link. While a link
  moves to another worker, both or none may give it for a moment, so take `max by (link, ...)`.
- What a copier sees (lags of partitions) is given by the worker that copies the partition; a mirror's partitions may be
  on several workers: take `max`, of numbers of partitions `sum`.
- What is counted is given by the worker that did it, and stays there when the work moves: take `sum by (...)` of
  `rate`.

A link that waits for its partner to dial is led and copied by the partner's workers: what copiers see and what is
counted is on their `/metrics`, under the link's name; what its rows tell is on its own workers'.

"over workers" names what to take. A state is visible with the next scrape after its row has changed (STATE-62).

## Detail

`CLUSTERLINK_METRICS_DETAIL` (MET-63) is `partition` as it comes. `topic` leaves out series of single partitions and of
consumer groups, `link` those of mirrors too; the alert about PENDING_STOPPED and the mirror dashboard need `topic`. A
link's series are about 100, a mirror's 6 to 10, a partition's 3. Series of a link or mirror are gone with the next
scrape after it is deleted. A stopped mirror has only its state and what was counted.

A scrape costs nothing where records are copied: the numbers are read off rows and statuses that are there anyway, in a
thread. With 2,000 mirrors of one partition on one worker a scrape takes 0.2 s (24,000 samples, 2.3 MB; 2 cores),
2 ms of that on the event loop.

"""


def page() -> str:
    """The text of docs/metrics.md."""
    missing = "\n".join(f"- {name}: {why}." for name, why in NOT_GIVEN.items())
    return f"{HEAD}{reference()}\n## Not given\n\nMetrics of the original without a counterpart:\n\n{missing}\n"


def main() -> None:
    """Write the page."""
    target = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
