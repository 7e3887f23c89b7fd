"""The ACLs that each link created on the own cluster: "link/number" -> {"version", "row"}
(`pipeline/sync/acl_ownership.py`). Written by agents/outcomes.py only.
"""

from pipeline.app import table

owned_acls = table("owned_acls")
