# SPDX-License-Identifier: MIT
#
# lib.sh: what the project's bash scripts share. Source it, after setting `me`
# to the name that messages shall begin with.

die() {
    echo "${me:-ksense}: $*" >&2
    exit 1
}

# need PROGRAM...: ends with a hint if one is not there.
need() {
    local program
    for program; do
        command -v "$program" >/dev/null ||
            die "$program not found: run scripts/packages first"
    done
}

# As $(cat FILE), without a process: for paths that have to be quick.
slurp() { printf '%s' "$(<"$1")"; }

# twice COMMAND...: once more after a while, as most failures of a mirror pass.
twice() {
    "$@" || { sleep 5; "$@"; }
}

# debian_repos FORMAT: the Debian repositories that this machine's apt knows,
# whichever mirror they are on, printed as for `apt-get indextargets`.
debian_repos() {
    apt-get indextargets --format "$1" 'Identifier: Packages' 'Origin: Debian' |
        sort -u
}

# need_apt: ends with a hint if apt knows no Debian repository. It does not
# before its first update, which asks for root.
need_apt() {
    need apt-get dpkg-deb
    [ -n "$(debian_repos '$(RELEASE)')" ] ||
        die "apt has no lists of Debian's packages: run 'apt-get update' as root, then try again"
}

# newer_than TARGET INPUT...: whether TARGET is missing or older than an INPUT.
out_of_date() {
    local target=$1 input
    shift
    [ -e "$target" ] || return 0
    for input; do
        [ ! "$input" -nt "$target" ] || return 0
    done
    return 1
}
