"""Typed settings: defaults, where each value came from, and the policies that actors are given."""
