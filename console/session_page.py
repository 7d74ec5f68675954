"""Who is logged in, for open pages that want to notice when it changes."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from access.policy import may_enter


@never_cache
def session_page(request: HttpRequest) -> JsonResponse:
    """The id and name of the user who is logged in; the id is empty without one."""
    user = request.user
    is_in = user.is_authenticated and may_enter(user)
    return JsonResponse({"user": str(user.pk) if is_in else "", "name": user.get_username() if is_in else ""})
