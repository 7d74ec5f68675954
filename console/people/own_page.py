"""What the user of the page may do, for everybody who may enter the console."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.people.permissions import permissions_of


def own_permissions_page(request: HttpRequest) -> HttpResponse:
    """The flags of the user, and what these allow."""
    context = {"title": _("Your permissions"), "permissions": permissions_of(request.user), "is_own": True}
    return TemplateResponse(request, "console/people/own.html", admin.site.each_context(request) | context)
