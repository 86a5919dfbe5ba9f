#!/usr/bin/env bash
# Set up .venv for one of two uses: `run` (the tool itself) or `test` (everything the tests need besides).
# Called by make, which runs it again only when what it installs has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
use=${1:?run or test}

# command:package pairs of Debian and Ubuntu; a path, where the package holds no program
test_programs=(chromium:chromium java:default-jre-headless flite:flite gpo:gpodder podboat:newsboat openssl:openssl ps:procps ssh-keygen:openssh-client
    /usr/share/pocketsphinx/test/data/librivox/transcription:pocketsphinx-testdata)

say() { printf '%s\n' "$*" >&2; }

# is_there PROGRAM_OR_PATH
is_there() { case $1 in /*) [ -e "$1" ] ;; *) command -v "$1" >/dev/null 2>&1 ;; esac; }

# need PROGRAM_OR_PATH PACKAGE: install a system package where we may, name it where we may not.
need() {
    if is_there "$1"; then return; fi
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing the system package $2 …"
        [ -n "${apt_is_fresh:-}" ] || apt-get update -qq
        apt_is_fresh=1
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
        is_there "$1" || { say "Error: $2 is installed, but there is no $1."; exit 1; }
    else
        say "Error: $1 is missing."
        say "Hint: install the package $2 (for instance: sudo apt-get install $2), then run make again."
        exit 1
    fi
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    say "Error: Python 3.11 or newer is needed."
    say "Hint: install it, or name it: make PYTHON=/path/to/python3.12"
    exit 1
}

make_environment() {
    if .venv/bin/python -m pip --version >/dev/null 2>&1; then return; fi
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
            say "Installing the system package python3-venv …"
            apt-get update -qq
            apt_is_fresh=1
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
        else
            say "Error: this Python cannot make virtual environments."
            say "Hint: install the package python3-venv (sudo apt-get install python3-venv), then run make again."
            exit 1
        fi
    fi
    say "Making .venv with $("$python" --version) …"
    "$python" -m venv --clear .venv
}

install() {
    say "Installing packages (this takes a few minutes the first time) …"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$1"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
}

make_environment
case $use in
run)
    install requirements.lock
    ;;
test)
    for pair in "${test_programs[@]}"; do need "${pair%%:*}" "${pair#*:}"; done
    install requirements-test.lock
    PATH="$PWD/.venv/bin:$PATH" .venv/bin/npm ci --prefix tests --ignore-scripts --no-audit --no-fund --loglevel=error
    ;;
*)
    say "Error: setup.sh knows run and test, not $use."
    exit 2
    ;;
esac
