"""The executor, an actor per order, and the paper venue adapter."""
