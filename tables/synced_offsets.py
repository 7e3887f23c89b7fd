"""What the offset sync of each link wrote last: "link/group" -> {"version", "row"} (`pipeline/sync/marks.py`).

The group has its name on the destination. Written by agents/outcomes.py only.
"""

from pipeline.app import table

synced_offsets = table("synced_offsets")
