#!/bin/sh
# Make .venv with everything that running, testing and measuring need. Safe to run again.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

is_at_least_311() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
is_a_tested_one() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; }

# The machine's own python3 if it is one we test on, else the newest that we do.
find_python() {
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if is_a_tested_one "$name"; then
            echo "$name"
            return
        fi
    done
    if is_at_least_311 python3; then
        echo python3
    fi
}

if ! is_at_least_311 .venv/bin/python; then
    python=$(find_python)
    if [ -z "$python" ]; then
        fail "Renwei needs Python 3.11 or newer; found: $(python3 --version 2>&1 || true)." \
            "Install one (python.org, or your system's packages), or name it: make setup PYTHON=/path/to/python3.11" \
            "人味需要 Python 3.11 或更新的版本；请先安装，或指明位置：make setup PYTHON=/路径/python3.11"
    fi
    echo "Making .venv with $("$python" --version) ..."
    "$python" -m venv --clear .venv || fail \
        "$python could not make a virtual environment." \
        "On Debian and Ubuntu install python3-venv (apt install python3-venv) and try again." \
        "无法建立虚拟环境；Debian 或 Ubuntu 请先安装 python3-venv。"
fi

python=.venv/bin/python
[ -x .venv/bin/uv ] || "$python" -m pip install --quiet --disable-pip-version-check uv ||
    fail "pip could not fetch uv. Is the network there, and the package index that pip is configured for?" \
        "pip 下载 uv 失败：请检查网络和 pip 的软件源设置。"

# uv reads its own settings, not pip's: hand over the certificates, and where pip is told to
# use another index, let pip do the downloading, of exactly the locked versions and hashes.
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
unset VIRTUAL_ENV
export UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never

by_uv() { .venv/bin/uv sync --quiet --frozen --python "$python"; }

by_pip() {
    .venv/bin/uv export --quiet --frozen --no-emit-project --python "$python" \
        --output-file .venv/requirements.txt >/dev/null &&
        "$python" -m pip install --quiet --require-hashes --requirement .venv/requirements.txt &&
        "$python" -m pip install --quiet --no-deps --editable .
}

echo "Installing what uv.lock names into .venv ..."
if "$python" -m pip config list | grep "[.]index-url=" | grep -qv "pypi[.]org"; then
    by_pip || by_uv
else
    by_uv || by_pip
fi || fail "The packages could not be fetched; the lines above say which. Run the same command again to go on." \
    "依赖没有装全（原因见上）；解决后再执行同一条命令即可继续。"

sh .ci/assets.sh || fail "The console's scripts could not be fetched from the npm registry; the lines above say why." \
    "控制台的脚本没有取到（原因见上）；解决后再执行同一条命令即可继续。"

# Once, here: where Python is told to write no bytecode, every start would compile everything.
"$python" -m compileall -q -j 0 -x '/tests?/' .venv/lib src >/dev/null 2>&1 || true

touch .venv/.ready
