"""What the sync tasks of each link last reported: "link/task" -> {"version", "row"} (`TaskStatus.to_json`).
Written by agents/outcomes.py.
"""

from pipeline.app import table

tasks = table("tasks")
