"""Addresses of the stage; config.urls includes them in demo mode only."""

from django.urls import path

from bell.proving import stage

urlpatterns = [
    path("", stage.stage, name="stage"),
    path("sit/", stage.sit, name="stage_sit"),
    path("<int:key>/phone/", stage.phone, name="stage_phone"),
    path("<int:key>/mailbox/", stage.mailbox, name="stage_mailbox"),
    path("<int:key>/mail/", stage.mail, name="stage_mail"),
    path("<int:key>/say/", stage.say, name="stage_say"),
]
