"""REST API v3: a thin client of the control plane on aiohttp (spec section 8). `mounting.mount` adds it to an
application.
"""
