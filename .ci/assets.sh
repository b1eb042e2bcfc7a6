#!/bin/sh
# Copy what pages need from the npm registry, as locked, into the package. Not committed; a
# wheel carries it. Without Node the console works all the same, with tables for charts.
set -eu
cd "$(dirname "$0")/web"
vendor=../../src/renwei/doors/console/files/vendor

if ! command -v npm >/dev/null 2>&1; then
    echo "npm is missing: pages go without charts (Node 20 or newer brings npm; then: make assets)." >&2
    echo "没有找到 npm：页面没有图表，其余照常；装好 Node 20 以上后运行 make assets。" >&2
    exit 0
fi
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
mkdir -p "$vendor"
for file in htmx.org/dist/htmx.min.js echarts/dist/echarts.min.js; do
    cp "node_modules/$file" "$vendor/"
done
cp node_modules/htmx.org/LICENSE "$vendor/htmx.LICENSE"
cp node_modules/echarts/LICENSE "$vendor/echarts.LICENSE"
cp node_modules/echarts/NOTICE "$vendor/echarts.NOTICE"
cp node_modules/zrender/LICENSE "$vendor/zrender.LICENSE"
