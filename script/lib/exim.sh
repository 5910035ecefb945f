# SPDX-License-Identifier: Apache-2.0
# Sourced by script/test: Exim for the lab. Debian's Exim and Postfix cannot both
# be installed, so it is unpacked under build/exim, which changes nothing else.
#
# exim_fetch   returns at once when it is there; says so, and returns 0, when it cannot be had.

exim_folder=build/exim

exim_fetch() {
	if [ -x "$exim_folder/usr/sbin/exim4" ]; then
		return 0
	fi
	rm -rf "$exim_folder"
	mkdir -p "$exim_folder"
	if ! (
		cd "$exim_folder"
		apt-get download -q exim4-daemon-light >fetch.log 2>&1 && dpkg -x exim4-daemon-light_*.deb .
	); then
		echo "Exim cannot be had (see $exim_folder/fetch.log): the lab goes without it."
	fi
	rm -f "$exim_folder"/*.deb
}
