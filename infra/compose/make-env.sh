#!/bin/sh
# Prints what compose.yaml asks for, with passwords that nobody chose: make-env.sh > .env
set -eu
umask 077

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

cat <<END
POSTGRES_PASSWORD=$(random)
S3_ACCESS_KEY_ID=seal$(random | cut -c1-16)
S3_SECRET_ACCESS_KEY=$(random)
GRAFANA_PASSWORD=$(random)
SEAL_BUILD_ID=local
END
