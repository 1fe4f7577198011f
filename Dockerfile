# One image for every process; compose.yaml and Procfile show their commands.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/qmtl

COPY requirements.txt ./
RUN pip install -r requirements.txt && useradd --system --home-dir /srv/qmtl qmtl \
    && install -d -o qmtl -g qmtl /var/lib/qmtl/blobs

# Named one by one: neither .local nor .git may get into the image.
COPY manage.py Procfile ./
COPY qmtl qmtl
COPY qmtl_site qmtl_site
COPY worlds worlds
COPY strategies strategies
COPY evaluation evaluation
COPY rebalancing rebalancing
COPY templates templates
COPY docs docs

# The settings want these two; collectstatic uses neither.
RUN SECRET_KEY=only-for-this-step DATABASE_URL=postgresql://build/build python manage.py collectstatic --noinput

USER qmtl
EXPOSE 8000 8001
CMD ["gunicorn", "qmtl_site.wsgi:application", "--bind", "0.0.0.0:8000", "--workers", "2", "--no-control-socket", \
     "--worker-class", "qmtl_site.gunicorn_worker.ProblemWorker"]
