"""The pages of the console, where Django's admin looks for them."""

from django.contrib import admin
from django.contrib.auth.models import Group, User

from automation.models import AutomationScript, Credential, WorkerNode
from console.credentials.pages import CredentialAdmin
from console.definitions.pages import DefinitionAdmin
from console.events import EventAdmin
from console.keys import KeyAdmin
from console.nodes import NodeAdmin
from console.people.groups import TeamAdmin
from console.people.users import PeopleAdmin
from console.scripts.pages import ScriptAdmin
from console.tokens.pages import TokenAdmin
from definitions.models import ApiDefinition
from events.models import InformationEvent
from keys.models import PersonalKey
from tokens.models import ApiToken

admin.site.register(ApiDefinition, DefinitionAdmin)
admin.site.register(ApiToken, TokenAdmin)
admin.site.register(AutomationScript, ScriptAdmin)
admin.site.register(Credential, CredentialAdmin)
admin.site.register(WorkerNode, NodeAdmin)
admin.site.register(InformationEvent, EventAdmin)
admin.site.register(PersonalKey, KeyAdmin)

# Django registers its own pages for these two, without the console's look.
admin.site.unregister([User, Group])
admin.site.register(User, PeopleAdmin)
admin.site.register(Group, TeamAdmin)
