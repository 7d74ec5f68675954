"""The flags of a user with their sources, and what they allow."""

from typing import Any

from access.flags import flags
from console.people.abilities import abilities_of
from console.people.flag_matrix import FlagCell, FlagHint, FlagRow, flag_of, hints, matrix, words


def permissions_of(user: Any) -> dict[str, Any]:
    """The flags of a user with their sources, and what they allow, for a page."""
    rows, shown = flag_rows(user)
    return {"rows": rows, "hints": shown, "abilities": abilities_of(user), "is_superuser": user.is_superuser}


def flag_rows(user: Any) -> tuple[list[FlagRow], list[FlagHint]]:
    """The matrix of a user's flags, each with where it comes from, and the hints about them."""
    own = {flag_of(each) for each in user.user_permissions.select_related("content_type")}
    inherited: dict[str, list[str]] = {}
    for group in user.groups.prefetch_related("permissions__content_type").order_by("name"):
        for each in group.permissions.all():
            inherited.setdefault(flag_of(each), []).append(group.name)
    word_of = words()
    cells_by_flag = {}
    for permission in flags():
        flag = flag_of(permission)
        source = ", ".join(inherited.get(flag, [])) if flag not in own else ""
        is_given = user.is_superuser or flag in own or flag in inherited
        cells_by_flag[flag] = FlagCell(flag, permission.name, word_of.get(flag, ""), is_given, source)
    given = {flag for flag, cell in cells_by_flag.items() if cell.is_given}
    return matrix(cells_by_flag), hints(given)
