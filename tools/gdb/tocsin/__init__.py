"""Tocsin in GDB, one subject a file."""
