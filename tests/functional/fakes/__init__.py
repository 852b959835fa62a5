"""Servers of outside networks, written from their documentation: for tests alone."""
