"""What the template of a list shows."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.contrib.admin.views.main import PAGE_VAR

from console.list_settings import SIZES
from console.list_table import ListTable

register = template.Library()


@register.simple_tag(takes_context=True)
def list_table(context: Any, rows: Any) -> ListTable:
    """The page of a list that `rows`, its `cl`, holds."""
    return ListTable(context["request"], rows)


@register.simple_tag
def counted_rows(rows: Any) -> str:
    """How many rows there are: `38 APIs`, or `4 of 38 APIs`."""
    pages, count, everything = rows.model_admin, rows.result_count, rows.full_result_count
    if everything is None or count == everything:
        return str(pages.counted(count))
    return f"{count:,} of {pages.counted(everything)}"


@register.simple_tag
def page_sizes() -> Sequence[int]:
    return SIZES


@register.simple_tag
def page_choices(rows: Any) -> list[tuple[str, str, bool]]:
    """The pages of a list: text, address (none for a gap) and whether it is the current one."""
    paginator = rows.paginator
    if paginator.num_pages < 2:
        return []
    numbers = paginator.get_elided_page_range(rows.page_num, on_each_side=2, on_ends=1)
    addresses = [(each, rows.get_query_string({PAGE_VAR: each}) if isinstance(each, int) else "") for each in numbers]
    return [(str(each), address, each == rows.page_num) for each, address in addresses]


@register.simple_tag
def filter_choices(rows: Any, spec: Any) -> list[dict[str, Any]]:
    """The choices of a filter of Django's own, each with its address."""
    return list(spec.choices(rows))
