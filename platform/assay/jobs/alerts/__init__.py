"""Alerts: judge, confirm, explain, send."""
