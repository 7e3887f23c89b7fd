"""Commands by id: pending, or with their result (CLI-65). Written by agents/commands.py (new) and
agents/outcomes.py (done).
"""

from pipeline.app import table

requests = table("requests")
