"""Templates into one HTML file that refers to no other."""

from __future__ import annotations

from typing import Any

import jinja2

__all__ = ["render"]

SHARED = "opticonv.pages"


def render(package: str, template: str, **content: Any) -> str:
    """A template of `package`, which may extend and include those that all pages share.

    Parameters
    ----------
    package : str
        Package with a folder ``templates``.
    template : str
        Name of a file in it.
    **content
        What the template names; text is escaped, a missing name is an error.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name) for name in (package, SHARED)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**content)
