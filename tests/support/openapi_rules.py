"""Hooks of Schemathesis: the two rules of the API that OpenAPI has no words for.

That one query parameter excludes another is told by a description alone. Where all that is sent is meant
to be valid, one of the two is left out; what is meant to be wrong is sent as it is.
"""

from __future__ import annotations

import schemathesis


@schemathesis.hook
def map_case(context, case):
    query = case.query
    if query and case.meta.generation.mode.is_positive:
        if "tier" in query and "maxAgeSeconds" in query:
            del query["tier"]
        if "over_s" in query:  # over a window not everything can be ranked by
            query.pop("by", None)
    return case
