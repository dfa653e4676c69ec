# One image for web, worker, beat, relay, deliverer and sandbox; docker-compose.yml says which command each runs.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /app

COPY requirements.lock .
RUN pip install --require-hashes -r requirements.lock

RUN useradd --system --create-home checkout && mkdir /data && chown checkout /data
COPY --chown=checkout . .
USER checkout
VOLUME /data

EXPOSE 8000
CMD ["python", "-m", "granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "checkout_project.wsgi:application"]
