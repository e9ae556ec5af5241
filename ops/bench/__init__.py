"""Benches: each prints ratios against something measured in the same run; `--json` puts one object last."""
