"""Examines a pair of clusters before a link is made between them: what would not work, and what to do about it.

Everything is asked by requests that change nothing. `asking` gathers facts of each cluster, `judging` is pure.
"""
