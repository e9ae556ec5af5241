"""The store: the one part of Remora that speaks SQL.

    actor ── committer ── engine ── batch ── trades, decisions, orders, fills, portfolios, markets, paper
                            │
                          server ── embedded ── place, programs, postmaster, locks, acl

`reading` opens the database beside a running daemon, or without one; `queries` is what can be asked of it.
"""
