# What Linux's livepatch self-tests call, for a guest behind a serial line. `cargo xtask linux-selftests` puts this file where
# the scripts of tools/testing/selftests/livepatch look for their own; the scripts are used as they are.
#
# A script runs on the host. What it does to files below /proc, /sys and /dev is done in the guest, by the guest's shell:
# `guest LINE` runs a line there, prints what it printed and has its status.
#
# From the outside:
#   TOCSIN_GUEST   the program that runs a line in the guest
# shellcheck shell=bash

# The status of a test that could not be made, as kselftest has it.
readonly NOT_MADE=4
# How long to wait for what comes by itself, in tenths of a second.
readonly PATIENCE=600
# How every test begins in the log.
readonly BANNER="===== TEST: "

guest() { "$TOCSIN_GUEST" guest -- "$*"; }

# quoted TEXT: as one word of the guest's shell
quoted() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

log() { guest "echo $(quoted "$1") > /dev/kmsg"; }

skip() {
    log "SKIP: $1"
    echo "SKIP: $1" >&2
    exit "$NOT_MADE"
}

die() {
    log "ERROR: $1"
    echo "ERROR: $1" >&2
    exit 1
}

# cat and grep of the guest's files; anything else is the host's.
cat() {
    case ${1-} in
        /proc/* | /sys/*) guest "cat $1" ;;
        *) command cat "$@" ;;
    esac
}

grep() {
    local file=${!#}
    case $file in
        /proc/* | /sys/*) cat "$file" | command grep "${@:1:$#-1}" ;;
        *) command grep "$@" ;;
    esac
}

# The guest's log takes what a script writes to /dev/kmsg: such a command is run here, and its output sent there.
intercept() {
    local line
    [[ $BASH_COMMAND == *"> /dev/kmsg" ]] || return 0
    while IFS= read -r line; do
        log "$line"
    done < <(eval "${BASH_COMMAND%"> /dev/kmsg"}")
    # Not 0: the shell leaves the command out (`extdebug`).
    return 1
}

setup_config() {
    shopt -s extdebug
    trap intercept DEBUG
    set_ftrace_enabled 1
}

# set_ftrace_enabled [--fail] VALUE: with --fail it is allowed to be refused, and the refusal goes to the log
set_ftrace_enabled() {
    local may_fail=no refusal
    [[ $1 == --fail ]] && may_fail=yes && shift
    local file=/proc/sys/kernel/ftrace_enabled
    refusal=$(guest "echo $1 > $file" 2>&1)
    if [[ $(cat $file) == "$1" ]]; then
        log "livepatch: kernel.ftrace_enabled = $1"
    elif [[ $may_fail == yes ]]; then
        # As sysctl says it.
        log "livepatch: sysctl: setting key \"kernel.ftrace_enabled\": ${refusal##*: }"
    else
        skip "kernel.ftrace_enabled does not become $1: $refusal"
    fi
}

# loop_until COMMAND: until it succeeds
loop_until() {
    local turn
    for ((turn = 0; turn < PATIENCE; turn++)); do
        eval "$*" && return 0
        sleep 0.1
    done
    return 1
}

exists() { guest "ls $1" >/dev/null 2>&1; }

load_mod() {
    local refusal
    log "% modprobe $*"
    refusal=$(guest "modprobe $*" 2>&1)
    [[ -z $refusal ]] || die "$refusal"
    exists "/sys/module/$1" || die "module $1 is not there"
}

load_lp_nowait() {
    load_mod "$@"
    loop_until exists "/sys/kernel/livepatch/$1" || die "live patch $1 is not there"
}

load_lp() {
    load_lp_nowait "$@"
    loop_until "[[ \$(cat /sys/kernel/livepatch/$1/transition) == 0 ]]" || die "live patch $1 stays in transition"
}

load_failing_mod() {
    local refusal
    log "% modprobe $*"
    refusal=$(guest "modprobe $*" 2>&1)
    [[ -n $refusal ]] || die "module $1 was loaded"
    log "$refusal"
}

unload_mod() {
    local refusal
    loop_until "[[ \$(cat /sys/module/$1/refcnt) == 0 ]]" || die "module $1 stays in use"
    log "% rmmod $1"
    refusal=$(guest "rmmod $1" 2>&1)
    [[ -z $refusal ]] || die "$refusal"
    ! exists "/sys/module/$1" || die "module $1 is still there"
}

unload_lp() { unload_mod "$1"; }

disable_lp() {
    log "% echo 0 > /sys/kernel/livepatch/$1/enabled"
    guest "echo 0 > /sys/kernel/livepatch/$1/enabled"
    loop_until "! exists /sys/kernel/livepatch/$1" || die "live patch $1 does not go"
}

set_pre_patch_ret() {
    local file=/sys/module/$1/parameters/pre_patch_ret
    log "% echo $2 > $file"
    guest "echo $2 > $file"
    [[ $(cat "$file") == "$2" ]] || die "pre_patch_ret of $1 does not become $2"
}

start_test() {
    printf 'TEST: %s ... ' "$1"
    log "$BANNER$1 ====="
}

# check_result EXPECTED: what the log has of live patching since the last start_test, without times, must be that
check_result() {
    local found
    found=$(guest dmesg | sed 's/^\[[ 0-9.]*\] //' | awk -v banner="$BANNER" '
        index($0, banner) == 1 { lines = ""; next }
        /livepatch:/ || /test_klp/ { lines = lines $0 "\n" }
        END { printf "%s", lines }')
    if [[ $found == "$*" ]]; then
        echo ok
        return
    fi
    echo "not ok"
    diff --unified --label expected --label found <(echo "$*") <(echo "$found")
    die "the log is not as expected"
}

# check_sysfs_rights PATCH FILE RIGHTS: as `ls -l` writes them
check_sysfs_rights() {
    local path=/sys/kernel/livepatch/$1/$2 found
    found=$(guest "ls -ld ${path%/}")
    [[ ${found%% *} == "$3" ]] || die "$path has the rights ${found%% *}, expected $3"
}

check_sysfs_value() {
    local path=/sys/kernel/livepatch/$1/$2 found
    found=$(cat "$path")
    [[ $found == "$3" ]] || die "$path has '$found', expected '$3'"
}
