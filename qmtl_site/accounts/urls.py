from __future__ import annotations

from django.urls import path

from qmtl_site.accounts import api

urlpatterns = [
    path("tokens", api.Tokens.as_view()),
    path("tokens/<token:token_key>", api.TokenItem.as_view()),
    path("worlds/<id:world_id>/roles", api.Roles.as_view()),
]
