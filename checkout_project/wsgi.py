"""What the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

from checkout_project.checks import refuse_to_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout_project.settings")
refuse_to_start()
application = get_wsgi_application()
