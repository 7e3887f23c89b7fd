"""AclSync of one link (STATE-21, TASK-30..42)."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.cluster.administration.acls import Acl
from pipeline.cluster.errors import ClusterError
from pipeline.cluster.security import ClientSecurity
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.link_task import LinkTask, Report, not_set
from pipeline.link.models import Link, TaskError
from pipeline.link.settings_of_link import LinkSettings
from pipeline.link.states import TaskName
from pipeline.metrics.meter import METER
from pipeline.sync.acl_ownership import read_rows, write_rows
from pipeline.sync.acl_plan import NeverCopied
from pipeline.sync.acls import AclJob, sync_acls
from pipeline.sync.link_acls import LinkAcls
from pipeline.sync.problems import Side, problem

TABLE = "owned_acls"
FILTERS = "acl.filters"


class AclSync(LinkTask):
    """Cycles of one link."""

    name = TaskName.ACL_SYNC
    interval_property = "acl_sync_ms"
    properties = ("acl.sync.enable", "acl.sync.ms", FILTERS)

    def __init__(self, context: Context, link: str) -> None:
        super().__init__(context, link)
        self._link_acls = LinkAcls(context.model.topics.changelog(TABLE))

    def is_on(self, settings: LinkSettings) -> bool:
        return settings.acl_sync_enable

    def misconfigured(self, settings: LinkSettings) -> TaskError | None:
        return None if settings.acl_filter_set().filters else not_set(FILTERS)

    async def cycle(self, link: Link, settings: LinkSettings) -> Report:
        try:
            remote = await self.context.remote(link)
            created_by = await self._link_acls.created_by(remote)
        except ClusterError as error:
            return Report([problem(error, Side.SOURCE)])

        async def keep(owned: set[Acl], changed: Collection[Acl]) -> bool:
            return await self._keep(link, owned, changed)

        head = f"{self.link}/"
        model = self.context.model
        owned = read_rows((row for key, row in model.owned_acls.items() if key.startswith(head)), link.cluster_link_id)
        principals = principals_of(remote.client.security) | principals_of(self.context.own.client.security)
        app_id = model.topics.app_id
        never = NeverCopied(principals, (f"{app_id}.", f"{app_id}-"), self._link_acls.guards)
        job = AclJob(settings.acl_filter_set(), never, owned, keep, created_by.get)
        report = await sync_acls(remote, self.context.own, job)
        for operation, done, refused in (
            ("add", report.added, report.not_added),
            ("delete", report.deleted, report.not_deleted),
        ):
            METER.add("clusterlink_acl_changes_total", self.link, operation, "success", by=done)
            METER.add("clusterlink_acl_changes_total", self.link, operation, "failure", by=refused)
        return Report(
            report.errors,
            {"acls_selected": report.selected},
            {"acls_added": report.added, "acls_deleted": report.deleted},
        )

    async def _keep(self, link: Link, owned: set[Acl], changed: Collection[Acl]) -> bool:
        """Write what is ours; whether the rows show it. They do not where another worker was quicker."""
        decision = Decision(self.context.model, self.link)
        for shard, row in write_rows(link.cluster_link_id, owned, changed).items():
            decision.put_kept(TABLE, shard, row)
        await self.context.settle(decision)
        head = f"{self.link}/"
        rows = [row for key, row in self.context.model.owned_acls.items() if key.startswith(head)]
        return read_rows(rows, link.cluster_link_id) == owned


def principals_of(security: ClientSecurity) -> frozenset[str]:
    """The principal that a cluster knows a client by, where its own settings tell it (TASK-35).

    With mutual TLS it is the certificate's whole subject, unless the broker has mapping rules.
    """
    if security.sasl is not None:
        return frozenset({f"User:{security.sasl.username}"} if security.sasl.username else ())
    keys = security.tls.settings.keys if security.tls is not None else None
    subject = keys.subject() if keys is not None else ""
    return frozenset({f"User:{subject}"} if subject else ())
