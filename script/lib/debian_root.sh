# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: another release of Debian in a folder, and this tree in it.
#
# debian_root_make FOLDER RELEASE      fetches the release, unless the folder holds it
# debian_root_copy_tree FOLDER         this tree with its changes, to FOLDER/srv/postern
# debian_root_run FOLDER COMMAND...    runs a command in that copy

# Prints `URI RELEASE` of the archives of Debian that this machine's apt uses, in their order.
debian_archives() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Component: main' | uniq
}

# Prints sources.list for a release: the mirror, and the archive of security updates if this machine uses it.
debian_sources() {
	local release=$1 mirror='' uri suite
	while read -r uri suite; do
		case "$suite" in
			*-security) echo "deb $uri $release-security main" ;;
			*-updates) echo "deb $uri $release-updates main" ;;
			*-backports*) ;;
			*) if [ -z "$mirror" ]; then mirror=$uri; echo "deb $uri $release main"; fi ;;
		esac
	done < <(debian_archives)
}

# What this machine says of fetching (proxies, ages, time limits) holds there as well, and whom it trusts.
debian_root_take_over() {
	local root=$1
	apt-config dump | grep '^Acquire::' | grep -v '^Acquire::\(IndexTargets\|Changelogs\)' \
		>"$root/etc/apt/apt.conf.d/90postern"
	cp /etc/hosts /etc/resolv.conf "$root/etc/"
	if [ -n "$(find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null)" ]; then
		mkdir -p "$root/usr/local/share/ca-certificates"
		cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
		debian_root_run "$root" update-ca-certificates
	fi
}

debian_root_make() {
	local root=$1 release=$2 sources mirror
	if [ ! -e "$root/etc/postern-complete" ]; then
		sources=$(debian_sources "$release")
		mirror=$(echo "$sources" | sed -n "s/^deb \(.*\) $release main$/\1/p")
		if [ -z "$mirror" ]; then
			echo "This machine's apt names no archive of Debian." >&2
			return 1
		fi
		# What an earlier attempt left is not whole.
		rm -rf "$root"
		mkdir -p "$root"
		debootstrap --variant=minbase --include=ca-certificates "$release" "$root" "$mirror" >"$root.log" 2>&1 || {
			tail -n 20 "$root.log" >&2
			return 1
		}
		echo "$sources" >"$root/etc/apt/sources.list"
		mkdir -p "$root/srv/postern"
		touch "$root/etc/postern-complete"
	fi
	debian_root_take_over "$root"
}

# Times of files are kept, so that only what changed is built anew; what is gone here goes there, but for the builds.
debian_root_copy_tree() {
	local copy=$1/srv/postern
	find "$copy" -mindepth 1 -maxdepth 1 ! -name 'build*' -exec rm -rf {} +
	git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' name; do
			if [ -e "$name" ] || [ -L "$name" ]; then
				printf '%s\0' "$name"
			fi
		done |
		tar --create --no-recursion --null --files-from=- | tar --extract --no-same-owner --directory="$copy"
}

# Mounts and processes of its own, which end with the command. The folder becomes the root of its mounts: in a mere
# chroot the kernel refuses new user namespaces.
debian_root_run() {
	local root=$1
	shift
	env -i HOME=/root TERM=dumb LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		${no_proxy:+no_proxy="$no_proxy"} \
		unshare --mount --pid --fork --kill-child bash -eu -c '
			root=$1
			shift
			mount --bind "$root" "$root"
			mount --rbind /dev "$root/dev"
			mount --rbind /sys "$root/sys"
			mount -t proc proc "$root/proc"
			cd "$root"
			pivot_root . .
			umount -l .
			cd /srv/postern
			# Not exec: this shell is the first process there, who collects what others leave behind.
			"$@"
			exit $?
		' debian_root_run "$root" "$@"
}
