"""What is raced: each file runs the same workloads on one way of having actors, and nothing else.

A contestant has a `WORKLOADS` table of functions from sizes to figures; `workloads` says what each must do.
One it cannot do is left out.
"""
