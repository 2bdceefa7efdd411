"""Tables of dashboards for BI tools, and their bundle for Superset.

`wide` stores the table of a tab and `blocks` what a wide one cannot hold; `superset` makes the bundle of `panels`.
"""
