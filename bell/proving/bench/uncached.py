"""Our own site with nothing kept between two hits: what a page costs when it is drawn each time."""

from django.core.wsgi import get_wsgi_application

from bell.public import kept

application = get_wsgi_application()
kept.SECONDS = 0.0
