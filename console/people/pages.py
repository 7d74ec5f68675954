"""What the pages of users and groups share: they are for superusers alone."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.models import Permission
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import capfirst

from access.flags import flags
from access.policy import Action, AnyUser, manages_people
from console.list_pages import ListPages
from console.object_pages import ReadablePages
from console.people.flag_matrix import FlagMatrix, GroupChoice
from console.people.forms import FlagsField


class PeoplePages(ListPages, ReadablePages):
    """Superusers only: users who can grant flags could grant themselves every flag."""

    has_json: ClassVar = False
    row_page = "view"

    def permits(self, user: AnyUser, action: Action) -> bool:
        return manages_people(user)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Flags in place of Django's permissions, as a matrix; groups as checkboxes."""
        if db_field.related_model is Permission:
            kwargs |= {"queryset": flags(), "form_class": FlagsField, "widget": FlagMatrix()}
        else:
            groups = db_field.related_model.objects.prefetch_related("permissions__content_type").order_by("name")
            kwargs |= {"queryset": groups, "widget": GroupChoice()}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Checkboxes without the menu that Django adds beside a choice of related objects."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def readable_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The object to be read. Neither users nor groups have authors."""
        obj = self._viewed(request, object_id)
        return self._answer(request, obj, self.readable_template, self.readable_context(request, obj))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if (obj := kwargs.get("obj")) is not None:
            context["head"] = self.head_of(request, self.model._base_manager.get(pk=obj.pk))
        return super().render_change_form(request, context, *args, **kwargs)

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(self.page_of(obj, "view"))

    response_post_save_add = response_post_save_change

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What a delete removes, without the rows that only link two objects."""
        deleted, *others = super().get_deleted_objects(objs, request)
        through: Any = [field.remote_field.through for field in self.opts.many_to_many]
        # Django lists them as `User-group relationship: User_groups object (1)`.
        links = tuple(f"{capfirst(model._meta.verbose_name)}:" for model in through)
        return _without(deleted, links), *others


def _without(nested: Sequence[Any], beginnings: tuple[str, ...]) -> list[Any]:
    kept = [each for each in nested if not (isinstance(each, str) and each.startswith(beginnings))]
    return [_without(each, beginnings) if isinstance(each, list) else each for each in kept]
