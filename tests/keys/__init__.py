"""Tests of key providers, keyrings and settings."""
