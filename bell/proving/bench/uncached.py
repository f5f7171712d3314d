"""Our own site with nothing kept between two hits: what a page costs when it is drawn each time."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if one != "bell.public.kept.Kept"]
application = get_wsgi_application()
