# shellcheck shell=bash disable=SC2015,SC2034,SC2154
# Sourced by quickstart, test and tests/spark_env.sh: finds what they need and installs what is
# missing. The caller sets `log_dir`, where the output of the commands run here goes.

set -euo pipefail

livy_cache=${XDG_CACHE_HOME:-$HOME/.cache}/livy

# A Debian package, and a command that succeeds where it, or another source of the same, is there.
build_requirements=(
  "g++                 have ${CXX:-g++}"
  'ninja-build         have ninja'
  'pkg-config          have pkg-config'
  'meson               meson_is_new_enough'
  'default-jdk-headless find_jdk'
  'libcli11-dev        pkg-config --exists CLI11'
  'libfmt-dev          pkg-config --exists fmt'
  'libsqlite3-dev      pkg-config --exists sqlite3'
  'libssl-dev          pkg-config --exists openssl'
  'rapidjson-dev       pkg-config --exists RapidJSON'
  'zlib1g-dev          pkg-config --exists zlib'
)
# A build without them has no such stores; the tests want all.
store_requirements=(
  'libhiredis-dev      pkg-config --exists hiredis'
  'libzookeeper-mt-dev compiles_with zookeeper/zookeeper.h'
  'redis-server        have redis-server'
)
spark_requirements=(
  'python3             have python3'
  'python3-venv        find_python'
  'default-jdk-headless find_jdk'
)
test_requirements=(
  'ccache              have ccache'
  'cmake               have cmake'
  'openssl             have openssl'
  'r-base-core         have R'
  'doctest-dev         compiles_with doctest/doctest.h'
  'dpkg-dev            libraries_have_a_place'
  'libcpp-httplib-dev  pkg-config --exists cpp-httplib'
)

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

have() { command -v "${1%% *}" >/dev/null 2>&1; }

# to_log NAME COMMAND...: runs a command with its output in $log_dir/NAME.log.
to_log() {
  local log=$log_dir/$1.log
  shift
  mkdir -p "$log_dir"
  "$@" >"$log" 2>&1
}

# logged NAME COMMAND...: likewise, and shows the end of the log if the command fails.
logged() {
  local status=0
  to_log "$@" || status=$?
  [ $status = 0 ] || {
    show_end "$log_dir/$1.log"
    say "error: this failed with status $status: ${*:2}"
  }
  return $status
}

show_end() {
  say "The end of $1:"
  tail -n 25 "$1" | sed 's/^/  | /' >&2
}

meson_is_new_enough() {
  have meson && [ "$(meson --version | cut -d. -f1)" -ge 1 ]
}

compiles_with() {
  printf '#include <%s>\n' "$1" | ${CXX:-g++} -E -x c++ - >/dev/null 2>&1
}

# Without dpkg-dev Meson takes Debian for a system that has its libraries in lib64, where no other
# program there looks for them.
libraries_have_a_place() { ! have dpkg || have dpkg-architecture; }

# Prints the home of a JDK on which Spark 3.5 and Spark 4 both run: 17, else one up to 21.
find_jdk() {
  local home version newest=
  for home in "${JAVA_HOME:-}" /usr/lib/jvm/* "$(readlink -f "$(command -v javac)" | sed 's|/bin/javac$||')"; do
    [ -x "$home/bin/javac" ] && [ -r "$home/release" ] || continue
    version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release")
    case $version in
      17) echo "$home"; return ;;
      18 | 19 | 20 | 21) newest=$home ;;
    esac
  done
  [ -n "$newest" ] && echo "$newest"
}

# Prints a Python that can make environments; on Debian one needs python3-venv for it.
find_python() {
  local python
  for python in python3 /usr/bin/python3; do
    have "$python" && "$python" -c 'import ensurepip, venv' 2>/dev/null && echo "$python" && return
  done
  return 1
}

# need REQUIREMENT...: installs the packages whose commands fail. Uses sudo only if there are any.
need() {
  local requirement package probe missing=()
  for requirement; do
    read -r package probe <<<"$requirement"
    $probe >/dev/null 2>&1 || [[ " ${missing[*]} " == *" $package "* ]] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  have apt-get || die "these are missing: ${missing[*]} (Debian's names). Install them and try again."
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    have sudo || die "these are missing; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  # The first try fails where the package lists are old or have never been fetched.
  apt_install "${missing[@]}" >/dev/null 2>&1 ||
    { logged apt-update apt_get update && logged apt-install apt_install "${missing[@]}"; } ||
    die "could not install ${missing[*]}"
  for requirement; do
    read -r package probe <<<"$requirement"
    $probe >/dev/null 2>&1 || die "$package does not give what is needed: '$probe' fails"
  done
}

apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 "$@"
}

apt_install() { apt_get install --no-install-recommends "$@"; }

# spark_home 3.5|4: prints the SPARK_HOME of a Spark from PyPI, which it installs the first time.
spark_home() {
  local venv=$livy_cache/spark-$1 package python
  case $1 in
    3.5) package=pyspark==3.5.7 ;;
    4) package=pyspark==4.0.1 ;;
    *) die "no Spark $1 is known here: 3.5 or 4" ;;
  esac
  # The mark is written last, so that an installation that was broken off is made again.
  if [ "$(cat "$venv/.installed" 2>/dev/null)" != "$package" ]; then
    say "Installing $package into $venv (300 to 450 MB, once)"
    python=$(find_python) || die "no Python that can make environments (python3-venv)"
    rm -rf "$venv"
    mkdir -p "$livy_cache"
    logged "spark-$1" "$python" -m venv "$venv" || return 1
    # Python has no distutils of its own since 3.12, and Spark 3.5 still needs it.
    logged "spark-$1" "$venv/bin/pip" install --disable-pip-version-check "$package" setuptools ||
      return 1
    echo "$package" >"$venv/.installed"
  fi
  set -- "$venv"/lib/python3*/site-packages/pyspark
  [ -x "$1/bin/spark-submit" ] || die "no spark-submit in $1: remove $venv and try again"
  echo "$1"
}

# python_of_spark SPARK_HOME: prints the Python to run it with. A Spark from PyPI lies in the
# environment of its own, at lib/python3.N/site-packages/pyspark.
python_of_spark() {
  local python
  python=$(realpath -sm "$1/../../../../bin/python")
  if [ -x "$python" ]; then echo "$python"; else find_python; fi
}
