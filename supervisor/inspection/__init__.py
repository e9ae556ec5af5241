"""What the runtime shows of itself: the tree, dead letters, lag and slow handlers."""
