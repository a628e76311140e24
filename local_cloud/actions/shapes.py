"""The shape of a workflow file, where the local cloud reads it: every scalar is a text, and nothing is an empty one."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Texts = str | list[str]


Permissions = Literal["", "read-all", "write-all"] | dict[str, Literal["none", "read", "write"]]


class _Shape(BaseModel):
    """What it doesn't name is for act to check."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Step(_Shape):
    id: str = ""
    name: str = ""
    uses: str = ""
    run: str = ""


class _Environment(_Shape):
    name: str
    url: str = ""


class _Labels(_Shape):
    labels: Texts


class _Concurrency(_Shape):
    group: str
    cancel: str = Field(default="", alias="cancel-in-progress")


class _Job(_Shape):
    name: str = ""
    needs: Texts = ""
    permissions: Permissions = ""
    environment: str | _Environment = ""
    labels: str | list[str] | _Labels = Field(default="", alias="runs-on")
    steps: list[_Step] = Field(default_factory=list)
    uses: str = ""


class _Filters(_Shape):
    types: Texts = ""
    branches: Texts = ""
    no_branches: Texts = Field(default="", alias="branches-ignore")
    tags: Texts = ""
    no_tags: Texts = Field(default="", alias="tags-ignore")
    paths: Texts = ""
    no_paths: Texts = Field(default="", alias="paths-ignore")
    workflows: Texts = ""
    inputs: str | dict[str, "str | _Input"] = ""


class _Input(_Shape):
    type: str = ""
    required: str = ""
    default: str = ""
    options: list[str] = Field(default_factory=list)


class _File(_Shape):
    name: str = ""
    run_name: str = Field(default="", alias="run-name")
    on: str | list[str] | dict[str, str | _Filters | list[Any]]
    permissions: Permissions = ""
    concurrency: str | _Concurrency = ""
    jobs: dict[str, _Job] = Field(min_length=1)


def misshapen(document: Any) -> str:
    """What is wrong with a file, empty if nothing is."""
    try:
        _File.model_validate(document)
    except ValidationError as error:
        told = {f"{_where(detail['loc'])}: {detail['msg']}" for detail in error.errors(include_input=False)}
        return "; ".join(sorted(told)[:3])
    return ""


def _where(location: tuple[int | str, ...]) -> str:
    """Without the names of shapes, which pydantic puts where it has tried several."""
    return (
        ".".join(str(part) for part in location if not str(part).startswith(("_", "str", "list[", "dict["))) or "file"
    )
