#!/bin/sh
# Creates both of Temporal's databases where they are missing and brings their tables up to this server's version.
# Connection: SQL_PLUGIN, SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD, which the tool reads by itself.
set -eu

schema() {
  database=$1
  folder=$2
  temporal-sql-tool --database "$database" create-database || echo "$database is there already"
  temporal-sql-tool --database "$database" setup-schema --version 0.0 || echo "$database has its tables already"
  temporal-sql-tool --database "$database" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$folder/versioned"
}

schema temporal temporal
schema temporal_visibility visibility
