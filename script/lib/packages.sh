# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: installs the Debian packages of
# script/packages that this machine lacks.
#
# packages_need SET...   returns at once (one dpkg-query) when nothing is missing.

packages_list=script/packages

# Prints one line a wanted package: its possible names.
packages_wanted() {
	while read -r set names; do
		case "$set" in '' | '#'*) continue ;; esac
		for wanted in "$@"; do
			if [ "$set" = "$wanted" ]; then
				echo "$names"
			fi
		done
	done <"$packages_list"
}

# Prints the lines of standard input of which no name is installed.
packages_missing() {
	# A package also stands for what it provides: other builds of nodejs bring npm with them.
	installed=" $(dpkg-query -W -f '${db:Status-Abbrev}${Package}, ${Provides}\n' |
		sed -n 's/^[ih]i *//p' | sed 's/([^)]*)//g' | tr ',\n' '  ') "
	while read -r names; do
		found=
		for name in $names; do
			case "$installed" in *" $name "*) found=yes ;; esac
		done
		if [ -z "$found" ]; then
			echo "$names"
		fi
	done
}

# Prints, for each line of standard input, the first name that apt can install.
packages_installable() {
	while read -r names; do
		chosen=
		for name in $names; do
			if [ -z "$chosen" ] && apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then
				chosen=$name
			fi
		done
		# None is known: apt-get then names it in its error.
		echo "${chosen:-${names%% *}}"
	done
}

# Runs a command as root, or says why that cannot be.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		echo "Not root, and there is no sudo: as root, run: $*" >&2
		return 1
	fi
}

# Packages like fail2ban start a daemon when they are installed; policy-rc.d
# says no while we install, and what stood there before comes back afterwards.
packages_install() {
	as_root env DEBIAN_FRONTEND=noninteractive sh -eu -c '
		policy=/usr/sbin/policy-rc.d
		saved=
		if [ -e "$policy" ] || [ -L "$policy" ]; then
			saved=$policy.before-postern
			mv "$policy" "$saved"
		fi
		restore() {
			rm -f "$policy"
			if [ -n "$saved" ]; then
				mv "$saved" "$policy"
			fi
		}
		trap restore EXIT
		trap "exit 1" INT TERM HUP
		printf "#!/bin/sh\nexit 101\n" >"$policy"
		chmod 755 "$policy"
		apt-get install -y -q --no-install-recommends "$@"
	' packages_install "$@"
}

packages_need() {
	missing=$(packages_wanted "$@" | packages_missing)
	if [ -z "$missing" ]; then
		return 0
	fi
	echo "Installing Debian packages:" $missing
	as_root apt-get update -q
	# Package names hold no blanks.
	# shellcheck disable=SC2046
	packages_install $(echo "$missing" | packages_installable)
}
