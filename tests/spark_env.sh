#!/usr/bin/env bash
# Prints the environment of the live tests, for `eval` or `source`, and installs what it names:
#   LIVY_TEST_SPARK_35, LIVY_TEST_SPARK_4   the SPARK_HOME of either; kept if already set
#   JAVA_HOME                               a Java on which both run
#   SPARK_LOCAL_IP                          so that Spark stays on loopback

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
log_dir=${log_dir:-$PWD/build-test/log}
# shellcheck source=packaging/setup.sh
. packaging/setup.sh

setting() { printf 'export %s=%q\n' "$1" "$2"; }

# test_home 3.5|4: spark_home, with what the tests of magics need beside Spark.
test_home() {
  local python=$livy_cache/spark-$1/bin/python
  spark_home "$1" || return 1
  "$python" -c 'import matplotlib, pandas' 2>/dev/null ||
    logged "libraries-$1" "$python" -m pip install --disable-pip-version-check 'pandas<3' matplotlib >&2
}

need "${spark_requirements[@]}" >&2
home_35=${LIVY_TEST_SPARK_35:-$(test_home 3.5)} || exit 1
home_4=${LIVY_TEST_SPARK_4:-$(test_home 4)} || exit 1
setting LIVY_TEST_SPARK_35 "$home_35"
setting LIVY_TEST_SPARK_4 "$home_4"
setting JAVA_HOME "$(find_jdk)"
setting SPARK_LOCAL_IP 127.0.0.1
