# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: builds the server.

# Builds build/postern with gcc; the tests are left out of a new tree, so that it is quick.
build_server() {
	if [ ! -e build/build.ninja ]; then
		CC=gcc meson setup build -Dtests=false
	fi
	ninja -C build postern
}
