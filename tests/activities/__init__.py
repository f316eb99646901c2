"""Stages and activities on a real PostgreSQL."""
