#!/bin/sh
# Installs the servers, the browser and the libraries that the tests need and that are not here, and the packages named as arguments; starts none.
# Only as root on Debian or Ubuntu: elsewhere the skipped tests say what to install.
set -eu

there() {
    command -v "$1" >/dev/null && return
    for program in /usr/lib/postgresql/*/bin/"$1" /usr/sbin/"$1"; do
        [ -x "$program" ] && return
    done
    return 1
}

there postgres || set -- "$@" postgresql
there mariadbd || set -- "$@" mariadb-server
there chromium || set -- "$@" chromium
[ -e /usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf ] || set -- "$@" fonts-noto-core # Arabic, in pictures and PDF
ls /usr/lib/*/libpangoft2-1.0.so.0 >/dev/null 2>&1 || set -- "$@" libpangoft2-1.0-0 # of WeasyPrint: receipts as PDF
ls /usr/lib/*/libharfbuzz-subset.so.0 >/dev/null 2>&1 || set -- "$@" libharfbuzz-subset0
if [ $# -eq 0 ] || [ "$(id -u)" -ne 0 ] || ! there apt-get; then
    exit 0
fi

policy=/usr/sbin/policy-rc.d # asked before a package starts its daemon; 101 forbids it
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends "$@"
