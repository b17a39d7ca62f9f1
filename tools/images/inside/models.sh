#!/bin/sh
# Inside an image's build: a directory of models made whole: readable by all, with its notice and checksums.
set -eu
cd "$1"
find . -name .lock -delete
ls -d ./*/[0-9]* >/dev/null 2>&1 || {
    echo "no model to put into the image: give --build-context exported-models=DIRECTORY, with <model>/<version>/ in it" >&2
    exit 1
}
cat >NOTICE <<'NOTICE'
LICENSE holds for these files where a version's model.json doesn't name another licence; it also names the source.
/bin/busybox is BusyBox as Debian's package busybox-static has it, under the GNU General Public License, version 2;
its source is Debian's source package of the same version.
NOTICE
find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum >/tmp/SHA256SUMS
mv /tmp/SHA256SUMS SHA256SUMS
chmod -R u=rwX,go=rX .
