"""Secrets at rest (SEC-30..32): an authenticated cipher under a key that is given from outside and stored nowhere.

Knows nothing of links: what a secret belongs to is a tuple of words that is bound to it, so that it opens nowhere else.
"""
