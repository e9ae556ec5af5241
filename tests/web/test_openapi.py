"""The document of the API: valid by the standard, and of all that is served and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
from openapi_spec_validator import OpenAPIV31SpecValidator

from actors.web import actor as web_actor
from actors.web.site import Site

README = Path(web_actor.__file__).with_name("README.md")


async def test_it_is_valid_by_the_standard(house):
    status, document = await house.get("/openapi.json")
    assert (status, document["openapi"], document["info"]["version"]) == (200, "3.1.0", "1.2.3")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


async def test_it_is_of_all_that_is_served_and_of_nothing_else(house, monkeypatch):
    served = set()
    serve = Site.serve

    def look(site, app):
        serve(site, app)
        for route in app.router.routes():
            path = re.sub(r":[^}]*}", "}", route.resource.canonical)
            if route.method not in ("HEAD", "*"):
                served.add((path, route.method.lower()))

    monkeypatch.setattr(Site, "serve", look)
    await house.base.inspector.restart("web", by="test")
    document = (await house.get("/openapi.json"))[1]
    documented = {(path, method) for path, item in document["paths"].items() for method in item}
    assert documented == served
    assert len(documented) == 15


async def test_what_it_says_of_methods_is_what_is_served(house):
    document = (await house.get("/openapi.json"))[1]
    async with aiohttp.ClientSession() as session:
        for path, item in document["paths"].items():
            for method in {"get", "post", "put"} - set(item):
                async with session.request(
                    method, house.url + path.replace("{", "").replace("}", "")
                ) as said:
                    assert (said.status, path) == (405, path)


async def test_every_shape_it_names_is_there_and_none_that_nobody_uses(house):
    document = (await house.get("/openapi.json"))[1]
    named = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert named == set(document["components"]["schemas"])


async def test_operations_have_names_of_their_own_and_say_what_they_are_for(house):
    document = (await house.get("/openapi.json"))[1]
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] and operation["tags"] for operation in operations)


async def test_the_readme_tells_of_every_path(house):
    document = (await house.get("/openapi.json"))[1]
    told = README.read_text()
    assert [path for path in document["paths"] if f"`{path}" not in told and f" {path}" not in told] == []
