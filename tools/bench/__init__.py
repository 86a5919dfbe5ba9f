"""Whole jobs, measured beside the tools that do the same."""
