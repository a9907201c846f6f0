#!/bin/sh
# Print the name of a Python that is new enough, or say what is missing.
# Usage: sh tools/find-python.sh [PYTHON]    (PYTHON: the only one to try)
set -eu

if [ $# -eq 0 ]; then
    set -- python3.13 python3.12 python3.11 python3 python
fi
for candidate in "$@"; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo "$candidate"
        exit 0
    fi
done

cat >&2 <<END
Python 3.11 or newer is needed, and none was found (tried: $*).
On Debian and Ubuntu: apt-get install python3 python3-venv. Elsewhere: https://www.python.org/downloads
A Python in another place can be named: make PYTHON=/path/to/python3.12 ...
END
exit 1
