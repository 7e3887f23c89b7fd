"""What groups had committed on topics that truncate-and-restore makes anew: "link/topic/group" -> {"version", "row"}
(`pipeline/lifecycle/restore_groups.py`). Written by agents/outcomes.py only.
"""

from pipeline.app import table

saved_offsets = table("saved_offsets")
