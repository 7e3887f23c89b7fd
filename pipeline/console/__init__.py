"""The console: a page that every worker serves, and the few answers it needs beyond REST v3. `mounting.mount_console`
adds both to an application.
"""
